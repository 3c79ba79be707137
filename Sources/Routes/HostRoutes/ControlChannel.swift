import AgentWire
import Hosts
import NIOCore
import Synchronization
import WebSocketWire

/// A host's channel as tasks see it: frames in, frames out, both bounded.
final class ControlChannel: Sendable {
    /// The most bytes that wait to be sent; a host that is further behind is dropped.
    static let mostWaiting = 2 * ControlObject.longestFrame

    /// The host at the other end.
    let host: Host
    /// Text frames in order. Bounded by the handler, which stops reading.
    let frames: AsyncStream<[UInt8]>

    private let channel: any Channel
    private let received: AsyncStream<[UInt8]>.Continuation
    private let waiting = Atomic<Int>(0)

    init(host: Host, channel: any Channel) {
        self.host = host
        self.channel = channel
        (self.frames, self.received) = AsyncStream.makeStream(of: [UInt8].self)
    }

    /// Sends a text frame; false when too much waits already.
    func send(_ frame: [UInt8]) -> Bool {
        let count = frame.count
        guard self.waiting.add(count, ordering: .relaxed).newValue <= Self.mostWaiting else {
            self.waiting.subtract(count, ordering: .relaxed)
            return false
        }
        self.channel.writeAndFlush(ControlHandler.Outgoing.text(frame)).whenComplete { _ in
            self.waiting.subtract(count, ordering: .relaxed)
        }
        return true
    }

    /// Ends the channel politely.
    func end(_ reason: String) {
        self.channel.writeAndFlush(ControlHandler.Outgoing.close(reason), promise: nil)
    }

    /// Says that a frame of that many bytes is done with, so that reading may go on.
    func processed(_ count: Int) {
        self.channel.eventLoop.execute {
            self.channel.pipeline.fireUserInboundEventTriggered(ControlHandler.Processed(count: count))
        }
    }

    /// A frame has come.
    func arrived(_ text: String) {
        self.received.yield(Array(text.utf8))
    }

    /// Nothing will come any more.
    func ended() {
        self.received.finish()
    }
}

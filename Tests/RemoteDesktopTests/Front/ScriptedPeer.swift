import NIOCore
import NIOSSL
import NIOTLS
import RDPWire
import Synchronization

/// One end of a connection under a test's hand: it reads and writes whole messages, and turns on TLS in the middle.
final class ScriptedPeer: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer

    // Only the test's own task reads; the event loop alone feeds the stream. So nothing is shared but the stream.
    private let stream: AsyncStream<[UInt8]>
    private let feed: AsyncStream<[UInt8]>.Continuation
    private var iterator: AsyncStream<[UInt8]>.Iterator
    private var buffer: [UInt8] = []
    private let channel = Mutex<(any Channel)?>(nil)
    private let handshake = Mutex<EventLoopPromise<Void>?>(nil)

    init() {
        (self.stream, self.feed) = AsyncStream.makeStream()
        self.iterator = self.stream.makeAsyncIterator()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        self.channel.withLock { $0 = channel }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.feed.yield(Array(self.unwrapInboundIn(data).readableBytesView))
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.feed.finish()
        self.handshake.withLock { $0 }?.fail(ChannelError.eof)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            self.handshake.withLock { $0 }?.succeed()
        }
    }

    /// The next whole message in TPKT; empty when the other side is gone.
    func message() async throws -> [UInt8] {
        while true {
            if let length = try TPKT.length(of: self.buffer), length <= self.buffer.count {
                defer { self.buffer.removeFirst(length) }
                return Array(self.buffer.prefix(length))
            }
            guard let more = await self.iterator.next() else { return [] }
            self.buffer += more
        }
    }

    /// The next bytes, that many; fewer when the other side is gone.
    func bytes(_ count: Int) async -> [UInt8] {
        while self.buffer.count < count, let more = await self.iterator.next() { self.buffer += more }
        defer { self.buffer.removeFirst(min(count, self.buffer.count)) }
        return Array(self.buffer.prefix(count))
    }

    /// Everything until the other side is gone.
    func rest() async -> [UInt8] {
        while let more = await self.iterator.next() { self.buffer += more }
        defer { self.buffer = [] }
        return self.buffer
    }

    func send(_ bytes: [UInt8]) async throws {
        try await self.channel.withLock { $0 }?.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    func close() async {
        try? await self.channel.withLock { $0 }?.close().get()
    }

    /// Sends the last plain words, begins TLS at once, so that nothing comes in between, and waits until it is up.
    func secure(asServer context: NIOSSLContext?, after words: [UInt8] = []) async throws {
        guard let channel = self.channel.withLock({ $0 }) else { return }
        let promise = channel.eventLoop.makePromise(of: Void.self)
        self.handshake.withLock { $0 = promise }
        try await channel.eventLoop.submit {
            if !words.isEmpty {
                channel.writeAndFlush(ByteBuffer(bytes: words), promise: nil)
            }
            if let context {
                let tls = NIOSSLServerHandler(context: context)
                try channel.pipeline.syncOperations.addHandler(tls, position: .first)
            } else {
                var configuration = TLSConfiguration.makeClientConfiguration()
                configuration.certificateVerification = .none
                let tls = try NIOSSLClientHandler(
                    context: NIOSSLContext(configuration: configuration),
                    serverHostname: nil
                )
                try channel.pipeline.syncOperations.addHandler(tls, position: .first)
            }
        }.get()
        try await promise.futureResult.get()
    }
}

import AgentWire
public import Edge
public import Hosts
import Logging
public import NIOCore
import NIOHTTP1
import Vocabulary
import WebSocketWire

/// Takes the control channels of hosts: lets in who proves to be one, and serves each until it ends.
///
/// `run` must run for as long as the program does; it serves the channels that came in and ends them when it is cancelled.
public final class ControlGate: UpgradeAcceptor {
    private let hosts: Hosts
    private let logger = Logger(label: "sallyport.hosts")
    private let arrivals: AsyncStream<ControlChannel>
    private let arrive: AsyncStream<ControlChannel>.Continuation

    /// Makes the gate.
    public init(hosts: Hosts) {
        self.hosts = hosts
        (self.arrivals, self.arrive) = AsyncStream.makeStream(
            of: ControlChannel.self,
            bufferingPolicy: .bufferingOldest(4096)
        )
    }

    public func answer(_ request: UpgradeRequest, on eventLoop: any EventLoop) -> EventLoopFuture<UpgradeAnswer> {
        guard request.path == self.hosts.settings.controlPath else { return eventLoop.makeSucceededFuture(.notMine) }
        let host: Host
        do {
            let headers = request.headers["authorization"]
            host = try self.hosts.registry.authenticate(
                header: headers.count == 1 ? headers[0] : nil,
                method: "GET",
                path: request.path
            )
        } catch {
            self.logger.info("host refused", metadata: ["detail": "\(PrintableText.of(error.logged))"])
            return eventLoop.makeSucceededFuture(.refuse(status: .unauthorized, body: error.shown))
        }
        return eventLoop.makeSucceededFuture(
            .accept { channel in
                channel.eventLoop.makeCompletedFuture {
                    let control = ControlChannel(host: host, channel: channel)
                    try channel.pipeline.syncOperations.addHandler(ControlHandler(control))
                    if case .enqueued = self.arrive.yield(control) { return }
                    channel.close(promise: nil)
                }
            }
        )
    }

    /// Serves channels until cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            for await channel in self.arrivals {
                group.addTask { await self.serve(channel) }
            }
        }
    }

    private func serve(_ channel: ControlChannel) async {
        let link = HostLink(send: { channel.send($0) }, end: { channel.end($0) })
        do {
            let connection = try await self.hosts.connect(channel.host, over: link)
            self.logger.info("host connected", metadata: ["machine": "\(channel.host.machine)"])
            for await text in channel.frames {
                await connection.receive(text)
                channel.processed(text.count)
            }
            connection.closed()
            self.logger.info("host disconnected", metadata: ["machine": "\(channel.host.machine)"])
        } catch {
            self.logger.warning(
                "host not served",
                metadata: ["machine": "\(channel.host.machine)", "error": "\(error)"]
            )
        }
        // A no-op for a channel that has ended; otherwise the program stops, or the host could not be served.
        channel.end("The server cannot serve this host now.")
    }
}

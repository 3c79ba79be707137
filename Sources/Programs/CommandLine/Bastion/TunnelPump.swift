import Client
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import NIOCore
import NIOPosix
import Vocabulary

/// Connects local streams to a machine through a bastion host.
struct TunnelPump: Sendable {
    let client: TunnelClient
    let target: String
    let hostName: String?
    let port: Int
    let signedIn: SignedIn

    /// Standard input and output, until either side ends.
    func standardStreams() async throws {
        let ticket = try await self.ticket()
        let (near, far) = Halves.make()
        let remote = try await self.client.open(ticket) { try far.add(to: $0) }
        let local = try await NIOPipeBootstrap(group: remote.eventLoop)
            .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try near.add(to: channel) } }
            .takingOwnershipOfDescriptors(input: dup(0), output: dup(1)).get()
        remote.eventLoop.execute { far.resume() }
        try await remote.closeFuture.get()
        await self.client.end(ticket)
        // The last bytes may still be on their way out.
        try await local.closeFuture.get()
    }

    /// A port on 127.0.0.1; every connection gets a tunnel of its own. Ends after `timeout`, or when the program is stopped.
    func listen(on port: Int, timeout: Duration?) async throws {
        let server = try await self.bind(port)
        Output.note("Listening on 127.0.0.1:\(server.channel.localAddress?.port ?? port). Stop with Ctrl-C.")
        if let timeout {
            let channel = server.channel
            channel.eventLoop.scheduleTask(in: .seconds(timeout.components.seconds)) {
                channel.close(promise: nil)
            }
        }
        try await self.serve(server)
    }

    /// Takes a port on 127.0.0.1; 0 for any that is free.
    func bind(_ port: Int) async throws -> NIOAsyncChannel<any Channel, Never> {
        do {
            return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: "127.0.0.1", port: port) { channel in
                    // Nothing is read before the far end exists.
                    channel.setOption(.autoRead, value: false).map { channel }
                }
        } catch {
            throw Problem(
                "PortInUse",
                shown: "The local port \(port) cannot be used; choose another with --port.",
                logged: "\(error)"
            )
        }
    }

    /// Carries connections until the port is closed, then ends them.
    func serve(_ server: NIOAsyncChannel<any Channel, Never>) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await local in connections {
                    group.addTask { await self.serve(local) }
                }
            }
            group.cancelAll()
        }
    }

    private func serve(_ local: any Channel) async {
        do {
            let ticket = try await self.ticket()
            let (near, far) = Halves.make()
            let remote = try await self.client.open(ticket) { try far.add(to: $0) }
            do {
                try await local.eventLoop.submit {
                    try near.add(to: local)
                    far.resume()
                }.get()
                try await local.setOption(.autoRead, value: true).get()
            } catch {
                // The local program has gone meanwhile.
                remote.close(promise: nil)
            }
            try await withTaskCancellationHandler {
                try await remote.closeFuture.get()
            } onCancel: {
                remote.close(promise: nil)
            }
            await self.client.end(ticket)
            try await withTaskCancellationHandler {
                try await local.closeFuture.get()
            } onCancel: {
                local.close(promise: nil)
            }
        } catch {
            Output.complain(error as? Problem ?? Problem("Tunnel", shown: "The tunnel failed.", logged: "\(error)"))
        }
        local.close(promise: nil)
    }

    private func ticket() async throws -> TunnelClient.Ticket {
        let token = try await self.signedIn.resourceManagerToken()
        return try await self.client.ticket(
            target: self.target,
            port: self.port,
            token: token.token,
            hostName: self.hostName
        )
    }
}

/// One half of a glued pair on its way to its event loop.
private struct Halves: @unchecked Sendable {
    // Unchecked: made in a task, then touched on the program's only event loop alone.
    private let handler: GlueHandler

    static func make() -> (near: Halves, far: Halves) {
        let (one, other) = GlueHandler.pair()
        return (Halves(handler: one), Halves(handler: other))
    }

    func add(to channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(self.handler)
    }

    func resume() {
        self.handler.resume()
    }
}

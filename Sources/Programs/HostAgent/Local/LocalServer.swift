import AgentWire
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The socket that the modules ask at. Everybody may connect; what may be asked depends on who asks.
struct LocalServer {
    private let channel: any Channel

    /// Begins to listen. A socket left by an earlier agent is replaced.
    static func start(
        _ desk: LocalDesk,
        layout: HostLayout,
        group: any EventLoopGroup
    ) async throws(HostAgentError) -> LocalServer {
        try HostFile.makeDirectory(layout.socketDirectory, mode: 0o755)
        let path = layout.socketFile
        let guests = LocalGuests()
        try HostFile.remove(path)
        do {
            // One loop accepts and answers: handing each connection to another thread costs more than its one short answer.
            let channel = try await ServerBootstrap(group: group.next())
                .serverChannelOption(.backlog, value: 256)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            LocalConnectionHandler(desk: desk, guests: guests)
                        )
                    }
                }
                .bind(unixDomainSocketPath: path)
                .get()
            chmod(path, 0o666)
            return LocalServer(channel: channel)
        } catch {
            throw .configuration("cannot listen at \(path): \(error)")
        }
    }

    /// Stops listening.
    func stop() async {
        try? await self.channel.close()
    }
}

import FoundationEssentials
import Logging
import NIOCore
import NIOPosix
import Vocabulary

/// Listens on the UNIX socket for commands of an operator on this machine.
struct ControlSocket: Sendable {
    /// The socket's path in a data directory.
    static func path(in dataDirectory: String) -> String {
        dataDirectory + "/control.sock"
    }

    let path: String
    let perform: @Sendable (ControlCommand) async -> ControlAnswer
    let logger: Logger

    /// Serves until cancelled. Each connection sends one line of at most 8 MiB and gets one line back.
    func run() async throws {
        _ = try? FileManager.default.removeItem(atPath: self.path)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: self.path, cleanupExistingSocketFile: true) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try? FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: self.path)
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    group.addTask { await self.serve(connection) }
                }
            }
        }
    }

    private func serve(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
        do {
            try await connection.executeThenClose { inbound, _ in
                var line = ByteBuffer()
                for try await chunk in inbound {
                    line.writeImmutableBuffer(chunk)
                    if chunk.readableBytesView.last == UInt8(ascii: "\n") { break }
                    guard line.readableBytes <= 8 << 20 else { return }
                }
                let answer: ControlAnswer
                do {
                    let command = try JSONDecoder().decode(ControlCommand.self, from: Data(line.readableBytesView))
                    answer = await self.perform(command)
                } catch {
                    answer = ControlAnswer(lines: [], problem: "The command was not understood: versions differ?")
                }
                // Until the last byte is out: the writer's own end closes the channel with whatever still waits.
                let reply = ByteBuffer(bytes: try JSONText.encode(answer) + [UInt8(ascii: "\n")])
                try await connection.channel.writeAndFlush(reply).get()
            }
        } catch {
            self.logger.debug("control connection ended", metadata: ["error": "\(error)"])
        }
    }

    /// Sends a command to a running server; nil when none listens.
    static func send(_ command: ControlCommand, in dataDirectory: String) async throws -> ControlAnswer? {
        let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: Self.path(in: dataDirectory)) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
        } catch is IOError {
            return nil
        }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(bytes: try JSONText.encode(command) + [UInt8(ascii: "\n")]))
            var line = ByteBuffer()
            for try await chunk in inbound {
                line.writeImmutableBuffer(chunk)
            }
            return try JSONDecoder().decode(ControlAnswer.self, from: Data(line.readableBytesView))
        }
    }
}

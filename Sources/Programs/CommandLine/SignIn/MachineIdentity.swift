import Client
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix
import Vocabulary

/// Asks the machine's metadata service for a token of its own identity. Source: Azure Instance Metadata Service.
enum MachineIdentity {
    /// A token for a resource.
    static func token(resource: String) async throws -> TokenClient.Tokens {
        let base = Context.environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] ?? "http://169.254.169.254"
        guard base.hasPrefix("http://") else { throw Self.absent }
        let authority = base.dropFirst("http://".count).prefix { $0 != "/" }
        let host = String(authority.prefix { $0 != ":" })
        guard let port = authority.count == host.count ? 80 : Int(authority.dropFirst(host.count + 1)),
            (1...65_535).contains(port)
        else { throw Self.absent }
        let target =
            "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" + PercentEncoding.encode(resource)
        let text = try await Self.fetch(host: host, port: port, target: target)
        let json = try? JSONValue(parsing: text.utf8)
        guard let token = json?["access_token"]?.string,
            let seconds = json?["expires_in"].flatMap({ $0.integer ?? $0.string.flatMap { Int64($0) } })
        else {
            throw Problem(
                "NoIdentity",
                shown: PrintableText.of(
                    json?["error_description"]?.string ?? "The machine has no identity to sign in with.",
                    limit: 1000
                )
            )
        }
        return TokenClient.Tokens(machineToken: token, expiresAt: TimeSource.system.now + .seconds(seconds))
    }

    private static let absent = Problem(
        "NoIdentity",
        shown: "There is no metadata service here: this is no enrolled machine."
    )

    // Plain HTTP on a link-local address: the one place where our TLS client is of no use.
    private static func fetch(host: String, port: Int, target: String) async throws -> String {
        let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(3))
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw Self.absent
        }
        let connection = channel.channel
        let timer = connection.eventLoop.scheduleTask(in: .seconds(10)) { connection.close(promise: nil) }
        defer { timer.cancel() }
        return try await channel.executeThenClose { inbound, outbound in
            let request = "GET \(target) HTTP/1.0\r\nHost: \(host)\r\nMetadata: true\r\nConnection: close\r\n\r\n"
            try await outbound.write(ByteBuffer(string: request))
            var answer = ByteBuffer()
            for try await chunk in inbound where answer.readableBytes < 1 << 20 {
                answer.writeImmutableBuffer(chunk)
            }
            let text = String(buffer: answer)
            guard let end = text.firstRange(of: "\r\n\r\n") else { throw Self.absent }
            return String(text[end.upperBound...])
        }
    }
}

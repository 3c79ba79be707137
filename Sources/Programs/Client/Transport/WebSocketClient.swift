public import NIOCore
public import Vocabulary

/// Opens WebSocket connections to any server, and says in the server's words why it could not.
public struct WebSocketClient: Sendable {
    private let reach: ServerReach
    private let patience: Duration

    /// Makes a client; `patience` bounds connecting, and again the wait for the server's answer to the upgrade.
    public init(reach: ServerReach, patience: Duration = .seconds(20)) {
        self.reach = reach
        self.patience = patience
    }

    /// Upgrades a connection to `url` (`wss://` or `https://`), then lets `configure` add the frame handlers.
    ///
    /// A refusal by the server is a `Problem` whose text is the server's own message where it has one.
    public func open(
        _ url: String,
        headers: [(name: String, value: String)] = [],
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) async throws -> any Channel {
        let address = try WebAddress(url)
        do {
            return try await WebSocketDial.open(
                address.target,
                headers: headers + [("Origin", "https://\(address.authority)")],
                by: self.reach.dialler(to: address.server),
                deadline: self.patience,
                prepare: configure
            )
        } catch .refused(let status, let body) {
            throw Self.refusal(status, body)
        } catch .malformed(let detail) {
            throw Problem(
                "UpgradeRefused",
                shown: "The server's answer is not that of a bastion host.",
                logged: detail
            )
        } catch {
            throw error.problem(at: address.server)
        }
    }

    private static func refusal(_ status: Int, _ body: String) -> Problem {
        let json = try? JSONValue(parsing: body.utf8)
        let message = json?["message"]?.string ?? json?["error"]?["message"]?.string
        return Problem(
            json?["error"]?["code"]?.string ?? "UpgradeRefused",
            shown: PrintableText.of(message ?? "The server refused the connection (HTTP \(status)).", limit: 1000)
        )
    }
}

public import Vocabulary

/// Talks to the resource API as the signed-in account. Source: Azure Resource Manager REST.
public struct ResourceManager: Sendable {
    private let signedIn: SignedIn

    /// Makes a client.
    public init(_ signedIn: SignedIn) {
        self.signedIn = signedIn
    }

    /// Sends one request; `path` begins with a slash and may have a query, or is the server's own link to a next page. Refusals are `Problem`s with the server's code and message.
    @discardableResult
    public func send(_ method: String, _ path: String, body: JSONValue? = nil) async throws -> JSONValue {
        let account = await self.signedIn.current
        let token = try await self.signedIn.resourceManagerToken()
        let url = path.hasPrefix("/") ? account.url + path : path
        guard url.hasPrefix(account.url + "/") else {
            throw Problem("BadAnswer", shown: "The server's answer leads to another server; nothing is sent there.")
        }
        let version = url.contains("api-version=") ? "" : (url.contains("?") ? "&" : "?") + "api-version=2024-01-01"
        func ask(_ token: AccessToken) async throws -> HTTPAnswer {
            try await self.signedIn.connection.send(
                WebRequest(
                    method,
                    url + version,
                    headers: [("Authorization", "Bearer " + token.token)]
                        + (body == nil ? [] : [("Content-Type", "application/json")]),
                    body: body?.bytes ?? []
                )
            )
        }
        var reply = try await ask(token)
        if reply.status == 401, account.kind != .managedIdentity {
            // Revoked before its time. Whoever issues tokens says why there is none, or gives a better one.
            reply = try await ask(try await self.signedIn.resourceManagerToken(insteadOf: token))
        }
        if (200..<300).contains(reply.status) {
            return reply.json ?? .null
        }
        throw Self.problem(reply)
    }

    /// All elements of a list, page by page.
    public func list(_ path: String) async throws -> [JSONValue] {
        var elements: [JSONValue] = []
        var next: String? = path
        while let path = next, elements.count < 100_000 {
            let page = try await self.send("GET", path)
            elements += page["value"]?.array ?? []
            next = page["nextLink"]?.string
        }
        return elements
    }

    /// The problem that an error answer describes.
    public static func problem(_ reply: HTTPAnswer) -> Problem {
        let json = reply.json
        let error = json?["error"]
        let message = error?["message"]?.string ?? json?["message"]?.string
        return Problem(
            error?["code"]?.string ?? "HTTP\(reply.status)",
            shown: PrintableText.of(message ?? "The server refused (HTTP \(reply.status)).", limit: 2000)
        )
    }
}

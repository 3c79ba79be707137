import AgentWire
import Client
import Vocabulary

/// Tokens for the machine's own identity, fetched from the server and kept for a short while.
///
/// Five minutes at most, although a token lives longer: what the server takes away must not linger on hosts.
actor MachineTokens {
    private struct Kept {
        var answer: MetadataAnswer
        var until: Instant
    }

    private static let longestKept: Duration = .seconds(300)
    private static let mostKept = 64
    /// How many requests may be under way at once, as on the real service.
    private static let mostUnderWay = 5

    private let server: HostServer
    private let time: TimeSource
    private var kept: [Wanted: Kept] = [:]
    private var underWay = 0

    private struct Wanted: Hashable {
        var resource: String
        var identity: IdentityChoice?
    }

    init(server: HostServer, time: TimeSource) {
        self.server = server
        self.time = time
    }

    /// A token for a resource, as the metadata service answers it. `fresh` passes over what is kept.
    func token(
        for resource: String,
        identity: IdentityChoice? = nil,
        version: String,
        fresh: Bool
    ) async -> MetadataAnswer {
        let now = self.time.now
        let wanted = Wanted(resource: resource, identity: identity)
        if !fresh, let kept = self.kept[wanted], now < kept.until { return kept.answer }
        guard self.underWay < Self.mostUnderWay else { return .failure(429, "too_many_requests", "Too many requests") }
        self.underWay += 1
        defer { self.underWay -= 1 }
        do throws(HostAgentError) {
            let request = MachineTokenRequest(resource: resource, apiVersion: version, identity: identity)
            return self.keep(try await self.server.post("/hosts/v1/token", request), for: wanted)
        } catch {
            return .failure(500, "unknown", "Failed to retrieve token: \(error)")
        }
    }

    /// A signed text about the machine, never kept: its nonce is the caller's.
    func attestation(nonce: String, version: String) async -> MetadataAnswer {
        guard self.underWay < Self.mostUnderWay else { return .failure(429, "Too many requests") }
        self.underWay += 1
        defer { self.underWay -= 1 }
        do throws(HostAgentError) {
            let request = AttestationRequest(nonce: nonce, apiVersion: version)
            let answer = try await self.server.post("/hosts/v1/attested", request)
            guard let document = try? JSONValue(parsing: answer.body) else {
                return .failure(500, "The server answered \(answer.status)")
            }
            if answer.status == 200 { return .json(document) }
            let sentence = document["error_description"]?.string ?? document["error"]?["message"]?.string
            return .failure(answer.status == 400 ? 400 : 500, sentence ?? "The document cannot be signed")
        } catch {
            return .failure(500, "\(error)")
        }
    }

    private func keep(_ answer: HTTPAnswer, for wanted: Wanted) -> MetadataAnswer {
        guard let document = try? JSONValue(parsing: answer.body) else {
            return .failure(500, "unknown", "Failed to retrieve token: the server answered \(answer.status)")
        }
        guard answer.status == 200 else {
            // The server speaks the metadata service's own language where it can; its other envelope is turned into it.
            if document["error"]?.string != nil { return .json(document, status: answer.status) }
            let error = document["error"]
            return .failure(
                answer.status == 429 ? 429 : (400..<500).contains(answer.status) ? 400 : 500,
                error?["code"]?.string ?? "unknown",
                error?["message"]?.string ?? "Failed to retrieve token"
            )
        }
        let fetched = MetadataAnswer.json(document)
        if self.kept.count >= Self.mostKept { self.kept = [:] }
        let expiry = document["expires_on"]?.string.flatMap { Int64($0) } ?? document["expires_on"]?.integer
        let until = self.time.now + Self.longestKept
        self.kept[wanted] = Kept(
            answer: fetched,
            until: expiry.map { min(until, Instant(seconds: $0) - .seconds(60)) } ?? self.time.now
        )
        return fetched
    }
}

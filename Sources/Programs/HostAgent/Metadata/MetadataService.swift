import AgentWire
import Vocabulary

/// The instance metadata service: the same questions and answers as on an Azure virtual machine, so that SDKs find the machine's identity.
///
/// Source: Azure Instance Metadata Service for virtual machines; How to use managed identities on a virtual machine; Authenticate against Azure
/// resources with Azure Arc-enabled servers.
struct MetadataService: Sendable {
    /// Whose service it is like.
    enum Manner: Sendable {
        /// A virtual machine's at 169.254.169.254: whoever runs on the machine may ask.
        case virtualMachine
        /// That of a machine outside the cloud, on loopback: who wants a token reads a file to prove that they may.
        case connected(ChallengeFiles)
    }

    let tenant: GUID
    let told: ToldConfiguration
    let tokens: MachineTokens
    var manner = Manner.virtualMachine
    var rate = RequestRate()

    /// The versions that are answered, oldest first.
    static let versions = [
        "2017-03-01", "2017-04-02", "2017-08-01", "2017-10-01", "2017-12-01", "2018-02-01", "2018-04-02", "2018-10-01",
        "2019-02-01", "2019-03-11", "2019-04-30", "2019-06-01", "2019-06-04", "2019-08-01", "2019-08-15", "2019-11-01",
        "2020-06-01", "2020-07-15", "2020-09-01", "2020-10-01", "2020-12-01", "2021-01-01", "2021-02-01", "2021-03-01",
        "2021-05-01", "2021-08-01", "2021-10-01", "2021-11-01", "2021-11-15", "2021-12-13", "2023-07-01", "2023-11-15",
        "2024-03-15", "2024-07-17",
    ]

    /// Answers a request.
    func answer(_ request: MetadataRequest) async -> MetadataAnswer {
        let segments = request.path.split(separator: "/" as Character).map { $0.lowercased() }
        let category = segments.count >= 2 ? segments[1] : ""
        let isIdentity = category == "identity"
        if let refusal = Self.refusal(of: request, segments) { return refusal }
        guard segments.first == "metadata", !category.isEmpty else { return .failure(404, "Not found") }
        guard self.rate.allows(isIdentity ? .identity : .other) else {
            return isIdentity
                ? .failure(429, "too_many_requests", "Too many requests") : .failure(429, "Too many requests")
        }
        if category == "versions", segments.count == 2 {
            return .json(["apiVersions": .array(Self.versions.map { .string($0) })])
        }
        guard let version = request.value("api-version"), Self.isVersion(version, isIdentity: isIdentity) else {
            return Self.versionMissing
        }
        switch (category, segments.dropFirst(2).joined(separator: "/")) {
        case ("instance", _): return self.instance(request, segments.dropFirst(2), version)
        case ("identity", "info"): return .json(["tenantId": .string(self.tenant.description)])
        case ("identity", "oauth2/token"): return await self.token(request, version)
        case ("identity", _): return .failure(404, "not_found", "The requested resource was not found")
        case ("attested", "document"): return await self.attested(request, version)
        case ("scheduledevents", ""): return .json(["DocumentIncarnation": 1, "Events": []])
        default: return .failure(404, "Not found")
        }
    }

    // A request that a server-side forgery can make carries no such header, and one that a proxy passes on carries the other.
    private static func refusal(of request: MetadataRequest, _ segments: [String]) -> MetadataAnswer? {
        let isIdentity = segments.count >= 2 && segments[1] == "identity"
        guard request.metadata?.lowercased() == "true" else {
            return isIdentity
                ? .failure(400, "invalid_request", "Required metadata header not specified")
                : .failure(400, "Bad request. Required metadata header not specified")
        }
        guard !request.isForwarded else {
            return isIdentity
                ? .failure(400, "invalid_request", "Requests with an X-Forwarded-For header are not accepted")
                : .failure(400, "Bad request. Requests with an X-Forwarded-For header are not accepted")
        }
        // A form may ask for a token, too; events are acknowledged by POST, and there never are any.
        let mayPost = segments == ["metadata", "identity", "oauth2", "token"]
        guard request.method == "GET" || (mayPost && request.method == "POST") else {
            return isIdentity
                ? .failure(405, "invalid_request", "Method not allowed") : .failure(405, "Method not allowed")
        }
        guard request.query != nil else {
            let sentence = "The query cannot be read, or gives a parameter more than once"
            return isIdentity
                ? .failure(400, "invalid_request", sentence) : .failure(400, "Bad request. \(sentence)")
        }
        return nil
    }

    private static let versionMissing = MetadataAnswer.json(
        [
            "error":
                "Bad request. api-version was not specified in the request. For more information refer to aka.ms/azureimds",
            "newest-versions": .array(Self.versions.suffix(3).reversed().map { .string($0) }),
        ],
        status: 400
    )

    // A newer one than is known is answered like the newest, so that SDKs of tomorrow find the identity.
    private static func isVersion(_ text: String, isIdentity: Bool) -> Bool {
        if isIdentity, text.lowercased() == "latest_internal" { return true }
        let isDate =
            text.utf8.count >= 10
            && text.utf8.prefix(10).enumerated().allSatisfy { index, unit in
                index == 4 || index == 7
                    ? unit == UInt8(ascii: "-") : (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(unit)
            }
        return isDate && text >= Self.versions[0]
    }
}

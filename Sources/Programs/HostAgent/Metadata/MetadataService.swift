import AgentWire
import Vocabulary

/// The instance metadata service: the same questions and answers as on an Azure virtual machine, so that SDKs find the machine's identity.
///
/// Source: Azure Instance Metadata Service for virtual machines; How to use managed identities on a virtual machine.
struct MetadataService: Sendable {
    let tenant: GUID
    let told: ToldConfiguration
    let tokens: MachineTokens

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
        let isIdentity = segments.count >= 2 && segments[1] == "identity"
        if let refusal = Self.refusal(of: request, isIdentity: isIdentity) { return refusal }
        guard segments.first == "metadata", segments.count >= 2 else { return .failure(404, "Not found") }
        switch segments[1] {
        case "versions" where segments.count == 2:
            return .json(["apiVersions": .array(Self.versions.map { .string($0) })])
        case "instance": return self.instance(request, segments.dropFirst(2))
        case "identity":
            guard let version = request.value("api-version"), !version.isEmpty else { return Self.versionMissing }
            switch segments.dropFirst(2).joined(separator: "/") {
            case "info": return .json(["tenantId": .string(self.tenant.description)])
            case "oauth2/token": return await self.token(request, version)
            default: return .failure(404, "not_found", "The requested resource was not found")
            }
        default: return .failure(404, "Not found")
        }
    }

    // A request that a server-side forgery can make carries no such header, and one that a proxy passes on carries the other.
    private static func refusal(of request: MetadataRequest, isIdentity: Bool) -> MetadataAnswer? {
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
        guard request.method == "GET" else { return .failure(405, "Method not allowed") }
        let names = request.query.map(\.name)
        guard Set(names).count == names.count else {
            return .failure(400, "Bad request. A query parameter was given more than once")
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

    // MARK: - Instance

    private func instance(_ request: MetadataRequest, _ segments: ArraySlice<String>) -> MetadataAnswer {
        guard let version = request.value("api-version"), Self.isVersion(version) else { return Self.versionMissing }
        let document = InstanceDocument(
            compute: self.told.value?.compute ?? .object([:]),
            interfaces: HostFacts.interfaces().map(InstanceDocument.Interface.init)
        ).document(version: version)
        var node = document
        for segment in segments {
            if let elements = node.array, let index = Int(segment), elements.indices.contains(index) {
                node = elements[index]
            } else if let member = node.member(segment) {
                node = member
            } else {
                return .failure(404, "Not found")
            }
        }
        let isText = request.value("format")?.lowercased() == "text"
        if let leaf = node.string {
            return isText ? .text(leaf) : .failure(400, "Bad request. A leaf is given with format=text only")
        }
        return isText ? .text(Self.listing(of: node)) : .json(node)
    }

    private static func isVersion(_ text: String) -> Bool {
        text.utf8.count >= 10
            && text.utf8.prefix(10).enumerated().allSatisfy { index, unit in
                index == 4 || index == 7
                    ? unit == UInt8(ascii: "-") : (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(unit)
            }
    }

    private static func listing(of node: JSONValue) -> String {
        let line: (String, JSONValue) -> String = { name, value in value.string == nil ? "\(name)/" : name }
        if let members = node.object {
            return members.keys.sorted().map { line($0, members[$0] ?? "") }.joined(separator: "\n")
        }
        return (node.array ?? []).enumerated().map { line(String($0), $1) }.joined(separator: "\n")
    }

    // MARK: - Identity

    private func token(_ request: MetadataRequest, _ version: String) async -> MetadataAnswer {
        guard let resource = request.value("resource"), !resource.isEmpty else {
            return .failure(400, "invalid_request", "Required query variable 'resource' is missing")
        }
        // Only the machine's own identity can be had here: asking for another one is asking for one that does not exist.
        for name in ["client_id", "object_id", "msi_res_id", "mi_res_id"] where request.value(name) != nil {
            return .failure(400, "invalid_request", "Identity not found")
        }
        return await self.tokens.token(
            for: resource,
            version: version,
            fresh: request.value("bypass_cache")?.lowercased() == "true"
        )
    }
}

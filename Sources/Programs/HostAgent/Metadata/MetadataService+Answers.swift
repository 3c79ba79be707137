import AgentWire
import Vocabulary

/// The three things that are asked for: what the machine is, a token, a signed text.
extension MetadataService {
    func instance(_ request: MetadataRequest, _ segments: ArraySlice<String>, _ version: String) -> MetadataAnswer {
        let isText: Bool
        switch request.value("format")?.lowercased() {
        case nil, "", "json": isText = false
        case "text": isText = true
        default: return .failure(400, "Bad request. The format must be json or text")
        }
        let known = self.told.value
        let document = InstanceDocument(
            compute: known?.compute ?? .object([:]),
            interfaces: HostFacts.interfaces()
                .map { InstanceDocument.Interface($0, publicAddresses: known?.publicAddresses ?? [:]) }
        )
        var node =
            switch self.manner {
            case .virtualMachine: document.document(version: version)
            case .connected: document.connected(version: version)
            }
        for segment in segments {
            if let elements = node.array, let index = Int(segment), elements.indices.contains(index) {
                node = elements[index]
            } else if let member = node.member(segment) {
                node = member
            } else {
                return .failure(404, "Not found")
            }
        }
        if let leaf = node.string {
            return isText ? .text(leaf) : .failure(400, "Bad request. A leaf is given with format=text only")
        }
        return isText ? .text(Self.listing(of: node)) : .json(node)
    }

    private static func listing(of node: JSONValue) -> String {
        let line: (String, JSONValue) -> String = { name, value in value.string == nil ? "\(name)/" : name }
        if let members = node.object {
            return members.keys.sorted().map { line($0, members[$0] ?? "") }.joined(separator: "\n")
        }
        return (node.array ?? []).enumerated().map { line(String($0), $1) }.joined(separator: "\n")
    }

    func token(_ request: MetadataRequest, _ version: String) async -> MetadataAnswer {
        guard let resource = request.value("resource"), !resource.isEmpty else {
            return .failure(400, "invalid_request", "Required query variable 'resource' is missing")
        }
        if case .connected(let files) = self.manner {
            guard let proof = request.authorization else { return await files.challenge() }
            guard await files.accept(proof) else {
                return .failure(
                    401,
                    "unauthorized_client",
                    "The secret is unknown, used or too old. Ask without it first"
                )
            }
        }
        let chosen = Self.choices(of: request)
        guard chosen.count < 2 else {
            return .failure(400, "invalid_request", "client_id, object_id and msi_res_id exclude each other")
        }
        return await self.tokens.token(
            for: resource,
            identity: chosen.first,
            version: version,
            fresh: request.value("bypass_cache")?.lowercased() == "true"
        )
    }

    private static func choices(of request: MetadataRequest) -> [IdentityChoice] {
        let path = request.value("msi_res_id") ?? request.value("mi_res_id")
        return [
            request.value("client_id").map { IdentityChoice(by: .client, $0) },
            request.value("object_id").map { IdentityChoice(by: .object, $0) },
            path.map { IdentityChoice(by: .resource, $0) },
        ].compactMap(\.self)
    }

    func attested(_ request: MetadataRequest, _ version: String) async -> MetadataAnswer {
        guard request.value("format").map({ $0.lowercased() == "json" }) ?? true else {
            return .failure(400, "Bad request. The document is given as JSON only")
        }
        return await self.tokens.attestation(nonce: request.value("nonce") ?? "", version: version)
    }
}

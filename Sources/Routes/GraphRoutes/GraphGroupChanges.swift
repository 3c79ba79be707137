import HTTPTypes
import Identity
import Vocabulary

extension GraphRoutes {
    private static let properties: Set<String> = [
        "description", "displayName", "groupTypes", "mailEnabled", "mailNickname", "securityEnabled",
    ]

    /// Adds a security group. Source: Microsoft Graph, "Create group".
    func createGroup(_ request: GraphRequest, _ reader: GraphReader) async throws(Problem) -> JSONValue {
        try await reader.requireGroupAdministration()
        let body = try GraphBody(request.body, Self.properties)
        try Self.requireSecurityGroup(body)
        for name in ["mailEnabled", "securityEnabled"] where try body.flag(name) == nil {
            throw GraphBody.missing(name)
        }
        let draft = GroupDraft(
            // An id that nothing has: two groups may have one name, so none may be found by it.
            id: GUID(from: self.random),
            displayName: try body.requiredText("displayName"),
            description: try body.text("description"),
            mailNickname: try body.requiredText("mailNickname")
        )
        let made = try await Problem.hiding { try await self.directory.put(group: draft, by: reader.author) }
        return try self.document(of: GraphDocument.shape(of: made.value), "groups", request)
    }

    /// Changes, removes, or fills a group. Source: Microsoft Graph, "Update group", "Delete group", "Add members",
    /// "Remove member".
    func change(
        _ name: String,
        _ rest: [String],
        _ request: GraphRequest,
        _ reader: GraphReader
    ) async throws(Problem) -> JSONValue {
        try await reader.requireGroupAdministration()
        let group = try await self.group(name)
        switch (request.method, rest.first?.lowercased(), rest.last?.lowercased(), rest.count) {
        case (.patch, nil, _, _):
            let body = try GraphBody(request.body, Self.properties)
            try Self.requireSecurityGroup(body)
            let draft = GroupDraft(
                id: group.id,
                displayName: try body.text("displayName") ?? group.displayName,
                description: try body.text("description"),
                mailNickname: try body.text("mailNickname")
            )
            _ = try await Problem.hiding { try await self.directory.put(group: draft, by: reader.author) }
        case (.delete, nil, _, _):
            _ = try await Problem.hiding { try await self.directory.delete(group.id, by: reader.author) }
        case (.post, "members", "$ref", 2):
            let member = try Self.reference(request)
            let isNew = try await Problem.hiding {
                try await self.directory.add(member: member, to: group.id, by: reader.author)
            }
            guard isNew else { throw Self.alreadyThere("members") }
        case (.delete, "members", "$ref", 3):
            let wasThere = try await Problem.hiding {
                guard let member = GUID(rest[1]) else { return false }
                return try await self.directory.remove(member: member, from: group.id, by: reader.author)
            }
            guard wasThere else { throw .unknownObject(rest[1]) }
        default:
            throw .unknownSegment(request)
        }
        return .null
    }

    private static func requireSecurityGroup(_ body: GraphBody) throws(Problem) {
        try body.require("mailEnabled", false)
        try body.require("securityEnabled", true)
        try body.require("groupTypes", [])
    }

    func group(_ name: String) async throws(Problem) -> Group {
        guard
            let id = GUID(name),
            let group = try await Problem.hiding({ try await self.directory.group(id) })
        else { throw .unknownObject(name) }
        return group
    }

    /// The object that `@odata.id` points to: the address of a directory object, of which the last part counts.
    static func reference(_ request: GraphRequest) throws(Problem) -> GUID {
        let parts = (request.body?["@odata.id"]?.string ?? "").split(separator: "/" as Character)
        let lists = ["directoryobjects", "users", "groups", "serviceprincipals"]
        guard
            parts.count >= 2, let id = parts.last.flatMap({ GUID($0) }),
            lists.contains(parts[parts.count - 2].lowercased())
        else { throw .badRequest("Invalid object reference: '@odata.id' has to be the address of a directory object.") }
        return id
    }

    static func alreadyThere(_ property: String) -> Problem {
        .badRequest(
            "One or more added object references already exist for the following modified properties: '\(property)'."
        )
    }

    /// `getMemberGroups` and `checkMemberGroups`: the groups that somebody is in, all of them or those asked for.
    func memberGroups(of id: GUID, _ request: GraphRequest, among: Bool) async throws(Problem) -> JSONValue {
        var groups = try await Problem.hiding { try await self.directory.groups(of: id) }
        if among {
            guard let wanted = request.body?.member("groupIds")?.array, wanted.count <= 20 else {
                throw .badRequest("The request needs 'groupIds', at most 20 of them.")
            }
            groups.formIntersection(wanted.compactMap { $0.string.flatMap { GUID($0) } })
        }
        return ["value": .array(groups.sorted().map { .string($0.description) })]
    }
}

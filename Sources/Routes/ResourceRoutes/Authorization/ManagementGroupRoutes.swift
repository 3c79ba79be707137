import AccessControl
import HTTPTypes
import Hummingbird
import Vocabulary

/// Management groups over HTTP: the tree, its changes, and the subscriptions in it. Source: Azure Management Groups REST
/// API, version 2021-04-01.
struct ManagementGroupRoutes: Sendable {
    let authorization: AuthorizationRoutes

    var access: AccessControl { self.authorization.access }

    func add<Context: RequestContext>(to router: Router<Context>) {
        router.add(
            middleware: ARMMiddleware<Context>(
                accepts: { path in
                    path.provider.map { $0.scope == .root && $0.namespace.lowercased() == "microsoft.management" }
                        ?? false
                        && path.segments.count > 2
                },
                respond: { await self.response(to: $0) }
            )
        )
    }

    private func response(to request: Request) async -> Response {
        await self.authorization.conventions.answer(request, authenticate: self.authorization.authenticate) {
            request,
            caller throws(Problem) in
            let call = AuthorizationCall(request: request, caller: caller, scope: .root)
            var words = Array(request.path.segments.dropFirst(2))
            let first = words.removeFirst().lowercased()
            switch (first, request.method) {
            case ("managementgroups", .get) where words.isEmpty: return self.list(call)
            case ("managementgroups", _) where !words.isEmpty:
                return try await self.answer(words[0], Array(words.dropFirst()), call)
            case ("getentities", .post): return self.entities(call)
            case ("checknameavailability", .post): return try self.checkName(call)
            case ("tenantbackfillstatus", .get), ("tenantbackfillstatus", .post), ("starttenantbackfill", .post):
                return .ok(["tenantId": .string(self.access.rootManagementGroup?.name ?? ""), "status": "Completed"])
            default: throw .methodNotAllowed(request)
            }
        }
    }

    private func answer(
        _ name: String,
        _ rest: [String],
        _ call: AuthorizationCall
    ) async throws(Problem) -> ARMResponse {
        guard ManagementGroup.isName(name) else {
            throw Problem("BadRequest", shown: "The management group's identifier is not valid.")
        }
        switch (rest.first?.lowercased(), rest.count, call.request.method) {
        case (nil, _, .get): return try self.read(name, call)
        case (nil, _, .put), (nil, _, .patch): return try await self.put(name, call)
        case (nil, _, .delete):
            _ = try await self.access.remove(
                managementGroup: name,
                by: call.subject,
                correlation: call.correlation,
                source: call.source
            )
            // Clients take 202 and 204 alone; nothing is left to wait for.
            return .noContent
        case ("descendants", 1, .get): return try self.descendants(of: name, call)
        case ("subscriptions", 1, .get):
            let group = try self.group(name, call)
            return .list(self.subscriptions(in: group).map { Self.membership(of: $0, in: group) })
        case ("subscriptions", 2, .get):
            let group = try self.group(name, call)
            let found = self.subscriptions(in: group).first { $0.id == GUID(rest[1]) }
            guard let found else { throw Self.noSubscription(rest[1]) }
            return .ok(Self.membership(of: found, in: group))
        case ("subscriptions", 2, .put): return try await self.place(rest[1], in: name, call)
        case ("subscriptions", 2, .delete): return try await self.takeOut(rest[1], of: name, call)
        case ("settings", _, _):
            throw Problem(
                "HierarchySettingsNotSupported",
                shown:
                    "The hierarchy has no settings here: groups are made by whoever may write the group above, and in "
                    + "the root group also by Global Administrators; new subscriptions lie in the root group."
            )
        default: throw .methodNotAllowed(call.request)
        }
    }

    // MARK: Reading

    private func list(_ call: AuthorizationCall) -> ARMResponse {
        .list(self.visible(to: call.subject).map { self.summary(of: $0) })
    }

    private func read(_ name: String, _ call: AuthorizationCall) throws(Problem) -> ARMResponse {
        let group = try self.group(name, call)
        let expands = call.request.expand?.lowercased() ?? ""
        let recurses = call.request.options["$recurse"]?.lowercased() == "true"
        var document = self.document(of: group)
        if expands == "children" {
            document["properties"]?["children"] = .array(self.children(of: group, recursively: recurses))
        }
        if expands == "path" || expands == "ancestors" {
            let line: [JSONValue] = self.access.line(to: group).dropLast().map {
                ["name": .string($0.name), "displayName": .string($0.displayName)]
            }
            document["properties"]?["details"]?[expands == "path" ? "path" : "managementGroupAncestorsChain"] = .array(
                line
            )
        }
        return .ok(document)
    }

    private func descendants(of name: String, _ call: AuthorizationCall) throws(Problem) -> ARMResponse {
        var found: [JSONValue] = []
        func walk(_ group: ManagementGroup) {
            let parent: JSONValue = ["id": .string(group.path.description)]
            for child in self.access.managementGroups(in: group) {
                found.append([
                    "id": .string(child.path.description), "type": .string(ManagementGroup.type),
                    "name": .string(child.name),
                    "properties": ["displayName": .string(child.displayName), "parent": parent],
                ])
                walk(child)
            }
            for subscription in self.subscriptions(in: group) {
                found.append([
                    "id": .string("/subscriptions/\(subscription.id)"),
                    "type": .string("\(ManagementGroup.type)/subscriptions"),
                    "name": .string(subscription.id.description),
                    "properties": ["displayName": .string(subscription.name), "parent": parent],
                ])
            }
        }
        walk(try self.group(name, call))
        return .list(found)
    }

    // Groups and subscriptions that the caller sees, as a flat list.
    private func entities(_ call: AuthorizationCall) -> ARMResponse {
        let groups = self.visible(to: call.subject)
        var values = groups.map { group -> JSONValue in
            let children = self.access.managementGroups(in: group)
            var entity = self.entity(
                group.path.description,
                ManagementGroup.type,
                group.name,
                group.displayName,
                above: Array(self.access.line(to: group).dropLast())
            )
            entity["properties"]?["numberOfChildGroups"] = .integer(Int64(children.count))
            entity["properties"]?["numberOfChildren"] = .integer(
                Int64(children.count + self.subscriptions(in: group).count)
            )
            return entity
        }
        for subscription in self.authorization.surroundings.subscriptions() {
            guard
                let path = ResourcePath("/subscriptions/\(subscription.id)"),
                self.access.decide(.read("Microsoft.Resources/subscriptions"), at: path, for: call.subject).isAllowed,
                let group = self.access.managementGroup(of: subscription.id)
            else { continue }
            values.append(
                self.entity(
                    path.description,
                    "/subscriptions",
                    subscription.id.description,
                    subscription.name,
                    above: self.access.line(to: group)
                )
            )
        }
        var answer = ARMResponse.list(values)
        answer.document?["count"] = .integer(Int64(values.count))
        return answer
    }

    private func checkName(_ call: AuthorizationCall) throws(Problem) -> ARMResponse {
        guard let name = call.request.body?.member("name")?.string else {
            throw Problem("BadRequest", shown: "The request needs a name.")
        }
        guard ManagementGroup.isName(name) else {
            return .ok([
                "nameAvailable": false, "reason": "Invalid",
                "message": "A management group's identifier has 1 to 90 letters, digits, and - _ ( ) .",
            ])
        }
        guard self.access.managementGroup(name) == nil else {
            return .ok([
                "nameAvailable": false, "reason": "AlreadyExists",
                "message": "The group with the specified name already exists",
            ])
        }
        return .ok(["nameAvailable": true, "reason": .null, "message": .null])
    }

    private func visible(to subject: Subject) -> [ManagementGroup] {
        self.access.managementGroups().filter {
            self.access.decide(.read(ManagementGroup.type), at: $0.path, for: subject).isAllowed
        }
    }

    private func group(_ name: String, _ call: AuthorizationCall) throws(Problem) -> ManagementGroup {
        let path = ResourcePath.root.appending("providers", "Microsoft.Management", "managementGroups", name)
        try self.access.require(.read(ManagementGroup.type), at: path, for: call.subject)
        guard let group = self.access.managementGroup(name) else {
            throw Problem("ManagementGroupNotFound", shown: "The management group '\(name)' cannot be found.")
        }
        return group
    }

    private func subscriptions(in group: ManagementGroup) -> [(id: GUID, name: String)] {
        self.authorization.surroundings.subscriptions()
            .filter { self.access.managementGroup(of: $0.id) == group }
            .sorted { $0.id < $1.id }
    }

    // MARK: Changing

    private func put(_ name: String, _ call: AuthorizationCall) async throws(Problem) -> ARMResponse {
        let isPatch = call.request.method == .patch
        guard !isPatch || self.access.managementGroup(name) != nil else {
            return try self.read(name, call)
        }
        let properties = isPatch ? call.request.body : call.request.properties
        let parent =
            isPatch
            ? properties?.member("parentGroupId")?.string
            : properties?.member("details")?.member("parent")?.member("id")?.string
        var above: String?
        if let parent {
            guard let name = ResourcePath(parent)?.managementGroup else {
                throw Problem(
                    "BadRequest",
                    shown: "The parent's id must be /providers/\(ManagementGroup.type)/{identifier}."
                )
            }
            above = name
        }
        let isDirectoryAdministrator = try await self.authorization.isDirectoryAdministrator(call.subject)
        let (made, _) = try await self.access.put(
            managementGroup: ManagementGroupDraft(
                name: name,
                displayName: properties?.member("displayName")?.string,
                parent: above
            ),
            by: call.subject,
            isDirectoryAdministrator: isDirectoryAdministrator,
            correlation: call.correlation,
            source: call.source
        )
        return .ok(self.document(of: made))
    }

    private func place(
        _ subscription: String,
        in name: String,
        _ call: AuthorizationCall
    ) async throws(Problem) -> ARMResponse {
        let found = try self.subscription(subscription, call)
        try await self.access.place(
            subscription: found.id,
            inManagementGroup: name,
            by: call.subject,
            correlation: call.correlation,
            source: call.source
        )
        guard let group = self.access.managementGroup(of: found.id) else { throw Self.noSubscription(subscription) }
        return .ok(Self.membership(of: found, in: group))
    }

    private func takeOut(
        _ subscription: String,
        of name: String,
        _ call: AuthorizationCall
    ) async throws(Problem) -> ARMResponse {
        let found = try self.subscription(subscription, call)
        guard self.access.managementGroup(of: found.id)?.key == name.lowercased() else { return .noContent }
        try await self.access.place(
            subscription: found.id,
            inManagementGroup: nil,
            by: call.subject,
            correlation: call.correlation,
            source: call.source
        )
        return ARMResponse(status: .ok)
    }

    // Without the right to move it nobody learns whether a subscription exists.
    private func subscription(
        _ text: String,
        _ call: AuthorizationCall
    ) throws(Problem) -> (id: GUID, name: String) {
        guard let id = GUID(text), let path = ResourcePath("/subscriptions/\(id)") else {
            throw Self.noSubscription(text)
        }
        try self.access.require(.assignRole, at: path, for: call.subject)
        guard let found = self.authorization.surroundings.subscriptions().first(where: { $0.id == id }) else {
            throw Self.noSubscription(text)
        }
        return found
    }

    private static func noSubscription(_ text: String) -> Problem {
        Problem(
            "SubscriptionNotFound",
            shown: "The subscription '\(PrintableText.of(text, limit: 64))' could not be found there."
        )
    }
}

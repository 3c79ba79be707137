import AccessControl
import Vocabulary

extension Plan {
    /// Plans a PUT. Returns the resource as it would be and whether it is new.
    mutating func put(
        _ path: ResourcePath,
        body: JSONValue,
        preconditions: Preconditions = Preconditions(),
        isAuthorized: Bool = false,
        isEmbedded: Bool = false
    ) throws(Problem) -> (resource: Resource, created: Bool) {
        guard let kind = self.catalogue.kind(at: path) else { throw .unknownKind(path.type ?? path.description) }
        if !isAuthorized { try self.authorize(.write(kind.actionType), at: path) }
        if kind.isDeclaredOnly, !self.author.isSystem {
            throw Problem(
                "OperationNotAllowed",
                shown: "Resources of type '\(kind.type)' are declared by the operator."
            )
        }
        try self.checkLocks(.write, at: path)
        let parent = try self.parent(of: path, kind)
        let previous = self[path]
        try preconditions.check(previous)
        guard body.object != nil else { throw .invalidContent("body", "must be an object") }
        let spelled = previous?.path ?? self.spelling(of: path, kind, below: parent)
        guard previous != nil || kind.isDeclaredOnly || kind.names.allows(path.name) else {
            throw Problem("InvalidResourceName", shown: "The name '\(PrintableText.of(path.name))' is not allowed.")
        }
        try Self.checkIdentity(of: body, is: spelled, kind)

        var resource =
            previous ?? Resource(path: spelled, type: kind.type, createdAt: self.nextBirth, changedAt: self.now)
        try self.readFrame(of: body, into: &resource, kind, previous: previous, parent: parent)
        let lists = try self.readProperties(of: body, into: &resource, kind, previous: previous)
        try kind.inspect(body, resource, previous)
        try self.checkReferences(of: resource, kind, previous: previous)
        try kind.complete(&resource, previous, &self)
        if resource.making?.isMade == false, !MachineSecrets(body: body).isEmpty {
            resource.making?.needsSecrets = true
        }
        for claim in kind.claims(resource) {
            if let holder = self.holder(of: claim.key, otherThan: resource.path) { throw claim.problem(holder) }
        }
        if previous == nil { self.births += 1 }
        self.store(resource)
        try self.putEmbedded(lists, below: resource.path, kind)
        if !isEmbedded { try self.checkTogether(resource.path, kind) }
        return (self[resource.path] ?? resource, previous == nil)
    }

    /// Plans a PATCH: the stored body with the members of the patch in their place. Source: RFC 7396.
    mutating func patch(_ path: ResourcePath, body: JSONValue, preconditions: Preconditions) throws(Problem) -> Resource
    {
        guard let kind = self.catalogue.kind(at: path) else { throw .unknownKind(path.type ?? path.description) }
        try self.authorize(.write(kind.actionType), at: path)
        _ = try self.parent(of: path, kind)
        guard let stored = self[path] else { throw Problem.missing(path) }
        guard let members = body.object else { throw .invalidContent("body", "must be an object") }
        let allowed: Set<String> =
            kind.patching == .tags ? ["tags"] : ["tags", "identity", "properties", "zones", "sku"]
        let readOnly: Set<String> = ["id", "name", "type", "location", "etag"]
        for name in members.keys where !allowed.contains(name.lowercased()) && !readOnly.contains(name.lowercased()) {
            throw .invalidContent(
                name,
                "cannot be changed by PATCH on '\(kind.type)'; send the whole resource with PUT"
            )
        }
        var whole: JSONValue = ["properties": stored.properties]
        if stored.showsTags || !stored.tags.isEmpty {
            whole["tags"] = .object(stored.tags.mapValues { .string($0) })
        }
        whole["sku"] = stored.sku
        whole["zones"] = stored.zones
        if kind.emptiesEmbedded {
            for (name, type) in kind.embedded {
                let children = self.children(of: path, type: type)
                whole["properties"]?[name] = .array(
                    children.map { ["name": .string($0.name), "properties": $0.properties] }
                )
            }
        }
        for name in allowed {
            guard let change = body.member(name) else { continue }
            // Tags are replaced as a whole set; everything else is merged.
            switch name {
            case "tags": whole[name] = change
            case "identity": whole[name] = stored.identity(patchedWith: change)
            default: whole[name] = (whole[name] ?? [:]).merged(with: change)
            }
        }
        return try self.put(path, body: whole, preconditions: preconditions, isAuthorized: true).resource
    }

    private func parent(of path: ResourcePath, _ kind: ResourceKind) throws(Problem) -> Resource? {
        if kind.type == ResourceKind.subscription.type { return nil }
        guard let subscription = path.subscription, let root = ResourcePath("/subscriptions/\(subscription)") else {
            throw .unknownKind(path.description)
        }
        guard let owner = self[root] else { throw .subscriptionNotFound(subscription.description) }
        guard kind.type != ResourceKind.resourceGroup.type else { return owner }
        if kind.isExtension, path.parent == root { return owner }
        guard let name = path.resourceGroup else { throw .unknownKind(path.description) }
        guard let group = self[root.appending("resourceGroups", name)] else { throw .resourceGroupNotFound(name) }
        guard self.author.isSystem || group.provisioningState != "Deleting" else { throw .groupIsGoing(group) }
        guard kind.isChild || kind.isExtension, let above = path.parent else { return group }
        guard let parent = self[above] else {
            throw kind.isExtension ? .resourceNotFound(above) : .parentNotFound(above)
        }
        return parent
    }

    private func spelling(of path: ResourcePath, _ kind: ResourceKind, below parent: Resource?) -> ResourcePath {
        guard let parent else { return ResourcePath("/subscriptions/\(path.name.lowercased())") ?? path }
        if kind.type == ResourceKind.resourceGroup.type { return parent.path.appending("resourceGroups", path.name) }
        if kind.isChild { return parent.path.appending(kind.type.lastSegment, path.name) }
        return ResourcePath("\(parent.path)/providers/\(kind.type)/\(path.name)") ?? path
    }

    // Name, type and group of a resource come from the address; a body that says otherwise is a mistake, not a rename.
    private static func checkIdentity(of body: JSONValue, is path: ResourcePath, _ kind: ResourceKind) throws(Problem) {
        if let name = body.member("name")?.string, name.lowercased() != path.name.lowercased() {
            throw .invalidContent("name", "is '\(PrintableText.of(name))', which is not the name in the address")
        }
        if let id = body.member("id")?.string, ResourcePath(id) != path {
            throw .invalidContent("id", "is not the address of the resource")
        }
        if let type = body.member("type")?.string, type.lowercased() != kind.type.lowercased() {
            throw .invalidContent("type", "is not the type in the address")
        }
    }

    private func readFrame(
        of body: JSONValue,
        into resource: inout Resource,
        _ kind: ResourceKind,
        previous: Resource?,
        parent: Resource?
    ) throws(Problem) {
        if kind.isTracked {
            let sent = body.member("location")?.string.map(Self.normal(location:))
            let inherited = previous?.location ?? (kind.isChild ? parent?.location : nil)
            guard let location = sent ?? inherited else {
                throw Problem("LocationRequired", shown: "The location property is required for this definition.")
            }
            if let old = previous?.location, old != location {
                throw Problem(
                    "InvalidResourceLocation",
                    shown: "The resource '\(resource.name)' already exists in location '\(old)'. A resource with the "
                        + "same name cannot be created in location '\(PrintableText.of(location))'."
                )
            }
            guard location.utf8.count <= 64, location.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
                throw .invalidContent("location", "is not a valid location")
            }
            resource.location = location
            if !kind.keepsTags || body.member("tags")?.object != nil {
                resource.tags = try Self.readTags(body.member("tags"))
                resource.showsTags = body.member("tags")?.object != nil
            }
        }
        if let shape = kind.sku {
            let sent = body.member("sku").flatMap { $0.isNull ? nil : $0 } ?? previous?.sku ?? [:]
            resource.sku = try Shape.object(shape).read(sent, at: "sku", keepsReadOnly: false)
        }
        if kind.type == ResourceKind.resourceGroup.type, let text = body.member("managedBy")?.string {
            guard text.utf8.count <= 512 else { throw .invalidContent("managedBy", "is longer than 512 characters") }
            resource.managedBy = text.isEmpty ? nil : text
        }
        if let zones = body.member("zones"), !zones.isNull {
            resource.zones = try Shape.list(.text(8)).read(zones, at: "zones", keepsReadOnly: false)
        }
    }

    static func normal(location: String) -> String {
        location.lowercased().filter { $0 != " " }
    }

    // Limits of Azure's tags: 50 pairs, names of 512 and values of 256 characters.
    static func readTags(_ value: JSONValue?) throws(Problem) -> [String: String] {
        guard let value, !value.isNull else { return [:] }
        guard let members = value.object, members.count <= 50 else {
            throw Problem("InvalidTags", shown: "Tags are an object of at most 50 texts.")
        }
        var tags: [String: String] = [:]
        var seen: Set<String> = []
        for (name, value) in members {
            guard
                let text = value.string, !name.isEmpty, name.count <= 512, text.count <= 256,
                !name.contains(where: { "<>%&\\?/".contains($0) }), seen.insert(name.lowercased()).inserted
            else { throw Problem("InvalidTags", shown: "The tag '\(PrintableText.of(name))' is not allowed.") }
            tags[name] = text
        }
        return tags
    }

    /// Reads `properties`; returns the lists of child resources that stood in it.
    private mutating func readProperties(
        of body: JSONValue,
        into resource: inout Resource,
        _ kind: ResourceKind,
        previous: Resource?
    ) throws(Problem) -> [String: [JSONValue]] {
        var sent = body.member("properties") ?? [:]
        if let state = sent.member("provisioningState")?.string, let previous, !self.author.isSystem,
            state.lowercased() != previous.provisioningState.lowercased()
        {
            throw .invalidContent("properties.provisioningState", "belongs to the server")
        }
        guard var members = sent.object else { throw .invalidContent("properties", "must be an object") }
        members = members.filter { $0.key.lowercased() != "provisioningstate" }
        var lists: [String: [JSONValue]] = [:]
        for name in kind.embedded.keys {
            guard let value = sent.member(name), !value.isNull else {
                if kind.emptiesEmbedded { lists[name] = [] }
                continue
            }
            guard let list = value.array, list.count <= 1000 else {
                throw .invalidContent("properties.\(name)", "must be a list")
            }
            lists[name] = list
            members = members.filter { $0.key.lowercased() != name.lowercased() }
        }
        sent = .object(members)
        if let previous { kind.fill(&sent, previous) }
        var read = try Shape.object(kind.properties)
            .read(sent, at: "properties", keepsReadOnly: self.author.isSystem)
        for (name, member) in kind.properties where member.use == .readOnly && read[name] == nil {
            read[name] = previous?.properties[name]
        }
        guard read.bytes.count <= 256 * 1024 else { throw .invalidContent("properties", "is larger than 256 KB") }
        resource.properties = read
        resource.failure = nil
        resource.provisioningState = "Succeeded"
        if kind.takesIdentity { try self.readIdentity(of: body, into: &resource, previous: previous) }
        return lists
    }

    private func checkReferences(of resource: Resource, _ kind: ResourceKind, previous: Resource?) throws(Problem) {
        let old = Set(previous.map { kind.references(of: $0).map(\.path) } ?? [])
        for reference in kind.references(of: resource) where !old.contains(reference.path) {
            // The right comes before the existence, so that a reference cannot be used to find out what there is.
            if let verb = reference.rule.action, let subject = self.author.subject {
                let action = Action.post(verb, of: reference.rule.type)
                guard self.accessControl.decide(action, at: reference.path, for: subject).isAllowed else {
                    throw .linkNotAuthorized(subject, action, from: resource.path, to: reference.path)
                }
            }
            guard let other = self[reference.path] else {
                throw Problem(
                    "InvalidResourceReference",
                    shown:
                        "Resource \(reference.path) referenced by resource \(resource.path) was not found. Make sure "
                        + "that the referenced resource exists, and that both resources are in the same region."
                )
            }
            try Self.checkRange(of: reference, from: resource, to: other)
        }
    }

    private static func checkRange(of reference: Reference, from resource: Resource, to other: Resource) throws(Problem)
    {
        let isNear =
            switch reference.rule.range {
            case .resourceGroup:
                resource.path.subscription == other.path.subscription
                    && resource.path.resourceGroup?.lowercased() == other.path.resourceGroup?.lowercased()
            case .subscription: resource.path.subscription == other.path.subscription
            case .tenant: true
            }
        guard isNear else {
            let area = reference.rule.range == .resourceGroup ? "resource group" : "subscription"
            throw Problem(
                "InvalidResourceReference",
                shown: "Resource \(other.path) at '\(reference.place)' must be in the same \(area) as \(resource.path)."
            )
        }
        if reference.rule.range != .tenant, let here = resource.location, let there = other.location, here != there {
            throw Problem(
                "InvalidResourceReference",
                shown: "Resource \(other.path) is in '\(there)' and must be in the same region as \(resource.path)."
            )
        }
    }
}

extension String {
    /// The part after the last slash of a type.
    var lastSegment: String { self.split(separator: "/" as Character).last.map(String.init) ?? self }
}

extension JSONValue {
    /// This document with the members of a patch; null removes a member. Source: RFC 7396.
    func merged(with patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch, case .object(var members) = self else { return patch }
        for (name, change) in changes {
            let spelled = members.keys.first { $0.lowercased() == name.lowercased() } ?? name
            members[spelled] = change.isNull ? nil : (members[spelled] ?? [:]).merged(with: change)
        }
        return .object(members)
    }
}

import AccessControl
public import Vocabulary

extension Plan {
    /// Reads `identity`: one of the machine's own, identities that exist beside it, or both.
    ///
    /// Source: Azure managed identities, "identity" of a virtual machine.
    mutating func readIdentity(of body: JSONValue, into resource: inout Resource, previous: Resource?) throws(Problem) {
        // Left out means as before: clients that only change a size would otherwise lock everybody out.
        guard let identity = body.member("identity"), !identity.isNull else { return }
        let words = (identity.member("type")?.string ?? "None").lowercased().split(separator: "," as Character)
            .map { $0.filter { $0 != " " } }
        guard Set(words).isSubset(of: ["systemassigned", "userassigned", "none"]), words.count <= 2 else {
            throw Problem(
                "IdentityTypeNotSupported",
                shown:
                    "The type of an identity is SystemAssigned, UserAssigned, 'SystemAssigned, UserAssigned' or None."
            )
        }
        let wantsOwn = words.contains("systemassigned")
        let others = words.contains("userassigned") ? try self.userIdentities(in: identity, resource, previous) : [:]
        if words.contains("userassigned"), others.isEmpty {
            throw Problem(
                "InvalidIdentityIds",
                shown: "An identity of type UserAssigned names at least one identity in 'userAssignedIdentities'."
            )
        }
        var stored: JSONValue = [
            "type": wantsOwn ? (others.isEmpty ? "SystemAssigned" : "SystemAssigned, UserAssigned") : "UserAssigned"
        ]
        if wantsOwn {
            if previous?.hasSystemIdentity == true {
                stored["principalId"] = previous?.identity?["principalId"]
                stored["tenantId"] = previous?.identity?["tenantId"]
            } else {
                self.identities[resource.path.key] = .assign
            }
        } else if previous?.hasSystemIdentity == true {
            self.identities[resource.path.key] = .remove
        }
        if !others.isEmpty { stored["userAssignedIdentities"] = .object(others) }
        resource.identity = wantsOwn || !others.isEmpty ? stored : Optional.none
    }

    /// The right to give somebody's identity away comes before its existence, as with every reference.
    private func userIdentities(in identity: JSONValue, _ resource: Resource, _ previous: Resource?) throws(Problem)
        -> [String: JSONValue]
    {
        let type = ResourceKind.userAssignedIdentity.type
        let old = previous?.identity?["userAssignedIdentities"]?.object ?? [:]
        let held = Dictionary(
            old.compactMap { id, value in ResourcePath(id).map { ($0.key, value) } },
            uniquingKeysWith: { first, _ in first }
        )
        var found: [String: JSONValue] = [:]
        for (id, value) in identity.member("userAssignedIdentities")?.object ?? [:] where !value.isNull {
            guard let path = ResourcePath(id), path.isOf(type: type) else {
                throw Problem(
                    "InvalidIdentityIds",
                    shown: "'\(PrintableText.of(id))' is not the id of a resource of type '\(type)'."
                )
            }
            // Another identity of the same name is another identity: it has to be given anew.
            let known = held[path.key].flatMap { $0["principalId"] }
            let current = self[path]
            let isKept = known != nil && (current == nil || current?.properties["principalId"] == known)
            if !isKept, let subject = self.author.subject {
                let action = Action.post("assign", of: type)
                guard self.accessControl.decide(action, at: path, for: subject).isAllowed else {
                    throw .linkNotAuthorized(subject, action, from: resource.path, to: path)
                }
            }
            guard current != nil || isKept else {
                throw Problem(
                    "FailedIdentityOperation",
                    shown: "The identity '\(path)' was not found, so it cannot be given to '\(resource.name)'."
                )
            }
            var ids: JSONValue = isKept ? held[path.key] ?? [:] : [:]
            if !isKept {
                for name in ["principalId", "clientId"] { ids[name] = current?.properties[name] }
            }
            found[path.description] = ids
        }
        guard found.count <= 20 else {
            throw Problem("InvalidIdentityIds", shown: "A machine has at most 20 user-assigned identities.")
        }
        return found
    }
}

extension Resource {
    /// The user-assigned identities of a machine.
    public var userIdentities: [ResourcePath] {
        (self.identity?["userAssignedIdentities"]?.object ?? [:]).keys.compactMap { ResourcePath($0) }
            .sorted { $0.key < $1.key }
    }

    /// What a PATCH makes of the identity: named identities are added, those that are null are taken away.
    func identity(patchedWith change: JSONValue) -> JSONValue {
        guard change.object != nil else { return change }
        var whole = change
        if whole.member("type") == nil { whole["type"] = self.identity?["type"] }
        var others = self.identity?["userAssignedIdentities"]?.object ?? [:]
        for (id, value) in change.member("userAssignedIdentities")?.object ?? [:] {
            let spelled = others.keys.first { $0.lowercased() == id.lowercased() } ?? id
            others[spelled] = value.isNull ? nil : [:]
        }
        whole = .object((whole.object ?? [:]).filter { $0.key.lowercased() != "userassignedidentities" })
        whole["userAssignedIdentities"] = .object(others)
        return whole
    }
}

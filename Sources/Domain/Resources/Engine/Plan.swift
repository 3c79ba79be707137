import AccessControl
import Vocabulary

/// What would change: worked out on a snapshot without touching it, so that several changes are judged together and stored together.
struct Plan {
    /// What a VM's body says about its identity, to be carried out between planning and storing.
    enum IdentityChange: Sendable, Hashable {
        case assign
        case remove
    }

    let base: Snapshot
    let author: ChangeAuthor
    let accessControl: AccessControl
    let catalogue: KindCatalogue
    let settings: ResourceSettings
    let random: RandomSource
    let now: Instant

    /// The resources to store, by comparable path.
    private(set) var written: [String: Resource] = [:]
    /// The resources to remove, by comparable path.
    private(set) var removed: [String: Resource] = [:]
    /// What happened, for the audit, in order.
    private(set) var events: [AuditLine] = []
    /// Identities to make or remove, by comparable path.
    var identities: [String: IdentityChange] = [:]

    /// A line for the audit.
    struct AuditLine: Sendable {
        let action: String
        let target: ResourcePath
        let details: [String: String]
    }

    /// The resource at a path as it would be.
    subscript(path: ResourcePath) -> Resource? {
        if let resource = self.written[path.key] { return resource }
        return self.removed[path.key] == nil ? self.base[path] : nil
    }

    /// The resources of a type directly below another.
    func children(of parent: ResourcePath, type: String) -> [Resource] {
        let old = self.base.list(type: type, below: parent)
            .filter { self.written[$0.path.key] == nil && self.removed[$0.path.key] == nil }
        let new = self.written.values.filter { $0.path.isOf(type: type) && parent.contains($0.path) }
        return (old + new).sorted { $0.path.key < $1.path.key }
    }

    /// The resources that refer to this one; of one type when given.
    func referrers(of path: ResourcePath, type: String? = nil) -> [Resource] {
        let old = self.base.referrers(of: path)
            .filter { self.written[$0] == nil && self.removed[$0] == nil }
            .compactMap { self.base[key: $0] }
        let new = self.written.values.filter { resource in
            self.catalogue.kind(at: resource.path)?.references(of: resource).contains { $0.path == path } == true
        }
        return (old + new).filter { type == nil || $0.path.isOf(type: type ?? "") }.sorted { $0.path.key < $1.path.key }
    }

    /// Who would hold something that only one may hold, other than this resource itself.
    func holder(of claim: String, otherThan path: ResourcePath) -> String? {
        if let key = self.base.holder(of: claim), key != path.key, self.written[key] == nil, self.removed[key] == nil {
            return key
        }
        return self.written.values.first { resource in
            resource.path != path
                && self.catalogue.kind(at: resource.path)?.claims(resource).contains { $0.key == claim } == true
        }?.path.key
    }

    /// Stores a resource with a new version; nothing happens when it says the same as before.
    mutating func store(_ resource: Resource, as action: String = "resource.write") {
        if let previous = self[resource.path], previous.says(theSameAs: resource) { return }
        var stamped = resource
        stamped.etag = "W/\"\(GUID(from: self.random))\""
        stamped.changedAt = self.now
        self.removed[resource.path.key] = nil
        self.written[resource.path.key] = stamped
        self.events.append(AuditLine(action: action, target: resource.path, details: ["type": resource.type]))
    }

    /// Takes a resource out.
    mutating func discard(_ resource: Resource) {
        self.written[resource.path.key] = nil
        self.removed[resource.path.key] = resource
        self.identities[resource.path.key] = resource.hasSystemIdentity ? .remove : nil
        self.events.append(
            AuditLine(action: "resource.delete", target: resource.path, details: ["type": resource.type])
        )
    }

    /// Puts the identity that was made into a resource that is to be stored.
    mutating func setIdentity(_ key: String, principal: GUID, tenant: GUID) {
        self.written[key]?.identity = [
            "type": "SystemAssigned", "principalId": .string(principal.description),
            "tenantId": .string(tenant.description),
        ]
    }

    /// Throws unless the author may do this here.
    func authorize(_ action: Action, at path: ResourcePath) throws(Problem) {
        guard let subject = self.author.subject else { return }
        try self.accessControl.admit(action, at: path, for: subject)
    }
}

extension AccessControl {
    /// Throws AuthorizationFailed unless the subject may do this here, and SubscriptionNotFound to somebody without any role in the
    /// subscription: they do not learn that it exists.
    func admit(_ action: Action, at path: ResourcePath, for subject: Subject) throws(Problem) {
        guard case .refused(let refusal) = self.decide(action, at: path, for: subject) else { return }
        if let subscription = path.subscription, let scope = ResourcePath("/subscriptions/\(subscription)"),
            !self.hasAnyRole(for: subject, at: scope)
        {
            throw .subscriptionNotFound(subscription.description)
        }
        throw .authorizationFailed(action, at: path, for: subject, refusal)
    }

    /// Whether the subject has any role at, above or below a scope: what makes a subscription show up.
    func hasAnyRole(for subject: Subject, at scope: ResourcePath) -> Bool {
        let principals = subject.groups.union([subject.id])
        return !self.assignments(at: scope, RoleAssignmentFilter(reach: .everywhere, principals: principals)).isEmpty
    }
}

import AccessControl
import Fabric
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
    let fabric: any Fabric
    let random: RandomSource
    let now: Instant

    /// The resources to store, indexed like those that are there.
    private var overlay = Snapshot()
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

    /// How many resources it makes.
    var births = 0
    /// When the next one is made: a moment after the one before, so that lists show them in the order in which they were asked for.
    var nextBirth: Instant { self.now + .milliseconds(self.births) }

    init(
        base: Snapshot,
        author: ChangeAuthor,
        accessControl: AccessControl,
        catalogue: KindCatalogue,
        settings: ResourceSettings,
        fabric: any Fabric,
        random: RandomSource,
        now: Instant
    ) {
        self.base = base
        self.author = author
        self.accessControl = accessControl
        self.catalogue = catalogue
        self.settings = settings
        self.fabric = fabric
        self.random = random
        self.now = now
    }

    /// The resources to store, in the order of their paths.
    var written: [Resource] { self.overlay.list(type: nil, below: .root) }

    /// Whether nothing would change.
    var isEmpty: Bool { self.overlay.count == 0 && self.removed.isEmpty && self.identities.isEmpty }

    /// The resource at a path as it would be.
    subscript(path: ResourcePath) -> Resource? {
        if let resource = self.overlay[path] { return resource }
        return self.removed[path.key] == nil ? self.base[path] : nil
    }

    /// The resources of a type directly below another.
    func children(of parent: ResourcePath, type: String) -> [Resource] {
        let old = self.base.list(type: type, below: parent).filter { self.isUntouched($0.path.key) }
        return (old + self.overlay.list(type: type, below: parent)).sorted { $0.path.key < $1.path.key }
    }

    /// A resource and everything below it.
    func everything(at path: ResourcePath) -> [Resource] {
        let old = self.base.list(type: nil, below: path).filter { self.isUntouched($0.path.key) }
        return old + self.overlay.list(type: nil, below: path)
    }

    /// The resources that refer to this one; of one type when given.
    func referrers(of path: ResourcePath, type: String? = nil) -> [Resource] {
        let old = self.base.referrers(of: path).filter(self.isUntouched).compactMap { self.base[key: $0] }
        let new = self.overlay.referrers(of: path).compactMap { self.overlay[key: $0] }
        return (old + new).filter { type == nil || $0.path.isOf(type: type ?? "") }.sorted { $0.path.key < $1.path.key }
    }

    /// Who would hold something that only one may hold, other than this resource itself.
    func holder(of claim: String, otherThan path: ResourcePath) -> String? {
        if let key = self.overlay.holder(of: claim), key != path.key { return key }
        guard let key = self.base.holder(of: claim), key != path.key, self.isUntouched(key) else { return nil }
        return key
    }

    private func isUntouched(_ key: String) -> Bool {
        self.overlay[key: key] == nil && self.removed[key] == nil
    }

    /// Stores a resource with a new version; nothing happens when it says the same as before.
    mutating func store(_ resource: Resource, as action: String = "resource.write") {
        if let previous = self[resource.path], previous.says(theSameAs: resource) { return }
        guard let kind = self.catalogue.kind(at: resource.path) else { return }
        var stamped = resource
        stamped.etag = "W/\"\(GUID(from: self.random))\""
        stamped.changedAt = self.now
        self.removed[resource.path.key] = nil
        self.overlay.put(stamped, of: kind)
        self.events.append(AuditLine(action: action, target: resource.path, details: ["type": resource.type]))
    }

    /// Takes a resource out.
    mutating func discard(_ resource: Resource) {
        if let kind = self.catalogue.kind(at: resource.path) { self.overlay.remove(resource.path, of: kind) }
        self.removed[resource.path.key] = resource
        self.identities[resource.path.key] = self.holdsIdentity(resource) ? .remove : nil
        self.events.append(
            AuditLine(action: "resource.delete", target: resource.path, details: ["type": resource.type])
        )
    }

    /// Puts the identity that was made into a resource that is to be stored.
    mutating func setIdentity(_ path: ResourcePath, principal: GUID, tenant: GUID, client: GUID? = nil) {
        guard var resource = self.overlay[path], let kind = self.catalogue.kind(at: path) else { return }
        var members: JSONValue = [
            "principalId": .string(principal.description), "tenantId": .string(tenant.description),
        ]
        if kind.isIdentity {
            members["clientId"] = client.map { .string($0.description) }
            resource.properties = resource.properties.merged(with: members)
        } else {
            resource.identity = (resource.identity ?? ["type": "SystemAssigned"]).merged(with: members)
        }
        self.overlay.put(resource, of: kind)
    }

    /// Whether an identity goes when a resource goes.
    func holdsIdentity(_ resource: Resource) -> Bool {
        resource.hasSystemIdentity || self.catalogue.kind(at: resource.path)?.isIdentity == true
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
}

public import AccessControl
public import Vocabulary

/// Reading with the rights of whoever asks.
extension Resources {
    /// The resource at a path. Somebody without the right learns AuthorizationFailed whether it exists or not; with it, what is missing:
    /// SubscriptionNotFound, ResourceGroupNotFound, ParentResourceNotFound or ResourceNotFound.
    public func get(_ path: ResourcePath, for subject: Subject) throws(Problem) -> Resource {
        guard let kind = self.catalogue.kind(at: path) else { throw .unknownKind(path.type ?? path.description) }
        try self.accessControl.admit(.read(kind.actionType), at: path, for: subject)
        return try self.existing(path)
    }

    /// The resources of a type below a subscription, a resource group or a parent resource that the subject may read.
    ///
    /// A list holds what one may read and is empty when that is nothing; only a scope that one may read oneself is reported as missing.
    public func list(type: String?, below scope: ResourcePath, for subject: Subject) throws(Problem) -> [Resource] {
        if let type, self.catalogue[type: type] == nil { throw .unknownKind(type) }
        let snapshot = self.current
        let keys = snapshot.keys(type: type, below: self.places(of: subject, below: scope, type))
        let found = keys.compactMap { snapshot[key: $0] }.filter { resource in
            if type == nil, !self.isListed(resource) { return false }
            return self.mayRead(resource.path, subject)
        }
        if found.isEmpty { try self.checkScope(scope, for: subject) }
        return found
    }

    /// One page of such a list, in the order of paths: as many as asked for, and whether there are more.
    ///
    /// Looks at no more resources than the page takes, so that a page costs the same in a large installation as in a small one.
    public func page(
        type: String?,
        below scope: ResourcePath,
        after last: String?,
        limit: Int,
        for subject: Subject,
        where passes: (Resource) -> Bool
    ) throws(Problem) -> (resources: [Resource], hasMore: Bool) {
        if let type, self.catalogue[type: type] == nil { throw .unknownKind(type) }
        let snapshot = self.current
        let places = self.places(of: subject, below: scope, type)
        var found: [Resource] = []
        for key in snapshot.keys(type: type, below: places, after: last) {
            guard let resource = snapshot[key: key], let kind = self.catalogue[type: resource.type] else { continue }
            if type == nil, !kind.isTracked || kind.type == ResourceKind.resourceGroup.type { continue }
            guard passes(resource),
                self.accessControl.allows(.read(kind.actionType), at: resource.path, for: subject)
            else { continue }
            if found.count == limit { return (found, true) }
            found.append(resource)
        }
        if found.isEmpty { try self.checkScope(scope, for: subject) }
        return (found, false)
    }

    // What a list has to look at: for somebody who has a few machines not the thousands that others have.
    private func places(of subject: Subject, below scope: ResourcePath, _ type: String?) -> [ResourcePath] {
        let action = type.flatMap { self.catalogue[type: $0] }.map { Action.read($0.actionType) }
        return self.accessControl.places(of: subject, below: scope, for: action) ?? [scope]
    }

    /// The subscriptions in which the subject has any role.
    public func subscriptions(for subject: Subject) -> [Resource] {
        self.list(type: ResourceKind.subscription.type, below: .root)
            .filter { self.accessControl.hasAnyRole(for: subject, at: $0.path) }
    }

    /// The operation with an identifier in a subscription: for who began it, and for those who may read what it works on.
    public func operation(_ id: GUID, in subscription: GUID, for subject: Subject) throws(Problem) -> ResourceOperation
    {
        guard
            let operation = self.operations[id], operation.target.subscription == subscription,
            operation.owner == subject.id || self.mayRead(operation.target, subject)
        else {
            throw Problem("OperationNotFound", shown: "The operation '\(id)' could not be found.")
        }
        return operation
    }

    /// Throws unless the subject may do this here; the same answers as for `get`.
    public func require(_ action: Action, at path: ResourcePath, for subject: Subject) throws(Problem) {
        try self.accessControl.admit(action, at: path, for: subject)
    }

    /// Whether the subject has any role at, above or below a subscription.
    public func canSee(subscription: GUID, _ subject: Subject) -> Bool {
        guard let scope = ResourcePath("/subscriptions/\(subscription)") else { return false }
        return self.resource(scope) != nil && self.accessControl.hasAnyRole(for: subject, at: scope)
    }

    /// Whether the subject may read the resource at a path, whether or not there is one.
    public func mayRead(_ path: ResourcePath, _ subject: Subject) -> Bool {
        guard let kind = self.catalogue.kind(at: path) else { return false }
        return self.accessControl.allows(.read(kind.actionType), at: path, for: subject)
    }

    /// Every type that is offered, in Azure's spelling.
    public var types: [String] { self.catalogue.all.map(\.type) }

    /// What can be done to resources of a type, for those who write roles: reading and changing first, then what is its own.
    public func actions(of type: String) -> [Action] {
        guard let kind = self.catalogue[type: type] else { return [] }
        let named = kind.actionType
        return [.read(named), .write(named), .delete(named)] + kind.actions.keys.sorted().map { .post($0, of: named) }
    }

    /// The type that actions of this one are named after; nil for a type that is not offered.
    public func actionType(of type: String) -> String? { self.catalogue[type: type]?.actionType }

    /// Whether resources of a type stand below another resource and are shown there, not in lists of everything.
    private func isListed(_ resource: Resource) -> Bool {
        guard let kind = self.catalogue.kind(at: resource.path) else { return false }
        return kind.isTracked && kind.type != ResourceKind.resourceGroup.type
    }

    private func existing(_ path: ResourcePath) throws(Problem) -> Resource {
        if let resource = self.resource(path) { return resource }
        try self.checkExists(scope: path)
        throw .missing(path)
    }

    private func checkExists(scope: ResourcePath) throws(Problem) {
        guard let subscription = scope.subscription, let root = ResourcePath("/subscriptions/\(subscription)") else {
            return
        }
        guard self.resource(root) != nil else { throw .subscriptionNotFound(subscription.description) }
        guard let name = scope.resourceGroup else { return }
        guard self.resource(root.appending("resourceGroups", name)) != nil else { throw .resourceGroupNotFound(name) }
        guard let parent = scope.parent, let kind = self.catalogue.kind(at: scope), kind.isChild else { return }
        guard self.resource(parent) != nil else { throw .parentNotFound(parent) }
    }

    // An empty list must not tell a group that exists from one that does not, unless the subject may know.
    private func checkScope(_ scope: ResourcePath, for subject: Subject) throws(Problem) {
        guard let subscription = scope.subscription, let root = ResourcePath("/subscriptions/\(subscription)") else {
            return
        }
        guard self.accessControl.hasAnyRole(for: subject, at: root), self.resource(root) != nil else {
            throw .subscriptionNotFound(subscription.description)
        }
        guard scope != root, let kind = self.catalogue.kind(at: scope) else { return }
        try self.accessControl.admit(.read(kind.actionType), at: scope, for: subject)
        _ = try self.existing(scope)
    }
}

import Vocabulary

/// The management groups and the subscriptions in them: what lies above a subscription, which its path does not say.
struct ScopeTree: Sendable {
    /// The key of the group that everything lies in.
    let root: String
    private(set) var groups: [String: ManagementGroup]
    /// The groups of the subscriptions that were put into one; all others lie in the root group.
    private(set) var placed: [GUID: String] = [:]
    // For each group the scopes from the root group down to itself, as `ResourcePath.key`s.
    private var chains: [String: [String]] = [:]

    init(root: GUID = .zero) {
        let group = ManagementGroup(
            name: root.description,
            displayName: "Tenant Root Group",
            parent: nil,
            version: 1,
            updatedOn: Instant(seconds: 0),
            updatedBy: nil
        )
        self.root = group.key
        self.groups = [group.key: group]
        self.link()
    }

    mutating func put(_ group: ManagementGroup) {
        self.groups[group.key] = group
        self.link()
    }

    mutating func put(all groups: [ManagementGroup]) {
        for group in groups { self.groups[group.key] = group }
        self.link()
    }

    mutating func remove(_ key: String) {
        self.groups[key] = nil
        self.link()
    }

    mutating func place(_ subscription: GUID, in group: String?) {
        self.placed[subscription] = group
    }

    /// The group of a subscription.
    func parent(of subscription: GUID) -> String { self.placed[subscription] ?? self.root }

    /// The keys of the scopes above a path that its text does not show, the widest first; the root scope is not among
    /// them.
    func above(_ path: ResourcePath) -> [String] {
        if let subscription = path.subscription {
            return self.chains[self.parent(of: subscription)] ?? []
        }
        guard let name = path.managementGroup?.lowercased(), let parent = self.groups[name]?.parent else { return [] }
        return self.chains[parent.lowercased()] ?? []
    }

    /// Whether a scope is a path or above it.
    func covers(_ scope: ResourcePath, _ path: ResourcePath) -> Bool {
        scope.contains(path) || (scope.managementGroup != nil && self.above(path).contains(scope.key))
    }

    /// The groups from the root group down to one, that one included; empty for one that is not there.
    func line(to key: String) -> [ManagementGroup] {
        var line: [ManagementGroup] = []
        var next = self.groups[key]
        // Bounded, although a cycle is never stored.
        while let group = next, line.count <= ManagementGroup.deepest + 1 {
            line.append(group)
            next = group.parent.flatMap { self.groups[$0.lowercased()] }
        }
        return line.reversed()
    }

    /// The groups directly in one, by name.
    func children(of key: String) -> [ManagementGroup] {
        self.groups.values.filter { $0.parent?.lowercased() == key }.sorted { $0.key < $1.key }
    }

    private mutating func link() {
        self.chains = self.groups.keys.reduce(into: [:]) { chains, key in
            chains[key] = self.line(to: key).map(\.path.key)
        }
    }
}

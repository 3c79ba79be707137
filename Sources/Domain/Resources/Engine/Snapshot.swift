import Vocabulary

/// All resources at one moment, with the look-ups that rules need.
///
/// A copy is kept for as long as a change is planned; everything in it is in small pieces, so that storing the change
/// copies a few of them, whatever the number of resources.
struct Snapshot: Sendable {
    private var resources = Sharded<String, Resource>()
    // Keys for each type in lower case: a scope is a stretch of each of them.
    private var keys: [String: SortedKeys] = [:]
    // The same for all types together, so that a list of everything is no sort.
    private var everyKey = SortedKeys()
    private var referrers = Sharded<String, SortedKeys>()
    private var claims = Sharded<String, String>()

    init() {}

    /// The resource at a path.
    subscript(path: ResourcePath) -> Resource? { self.resources[path.key] }

    /// The resource with a comparable path.
    subscript(key key: String) -> Resource? { self.resources[key] }

    /// How many there are.
    var count: Int { self.resources.count }

    /// The resources at and below a scope in the order of their paths.
    func list(type: String?, below scope: ResourcePath) -> [Resource] {
        self.keys(type: type, below: [scope]).compactMap { self.resources[$0] }
    }

    /// The comparable paths of the resources at and below some scopes, in order; of one type when given; those after a given one.
    ///
    /// Found one by one as they are asked for. No scope may lie below another one.
    func keys(type: String?, below scopes: [ResourcePath], after last: String? = nil) -> some Sequence<String> {
        let keys = type.map { self.keys[$0.lowercased()] ?? SortedKeys() } ?? self.everyKey
        return Self.stretches(of: scopes).lazy.compactMap { stretch -> SortedKeys.Stretch? in
            guard let last else { return keys.from(stretch.start, to: stretch.end) }
            if let end = stretch.end, end <= last { return nil }
            return keys.from(Swift.max(stretch.start, last + "\u{0}"), to: stretch.end)
        }.joined()
    }

    /// The comparable paths of the resources that refer to this one, in order.
    func referrers(of path: ResourcePath) -> SortedKeys { self.referrers[path.key] ?? SortedKeys() }

    /// Who holds something that only one may hold.
    func holder(of claim: String) -> String? { self.claims[claim] }

    /// Puts a resource in, in the place of the one with the same path.
    mutating func put(_ resource: Resource, of kind: ResourceKind) {
        self.remove(resource.path, of: kind)
        let key = resource.path.key
        self.resources[key] = resource
        self.keys[kind.type.lowercased(), default: SortedKeys()].insert(key)
        self.everyKey.insert(key)
        for reference in kind.references(of: resource) {
            self.referrers[reference.path.key, default: SortedKeys()].insert(key)
        }
        for claim in kind.claims(resource) {
            self.claims[claim.key] = key
        }
    }

    /// Takes a resource out.
    mutating func remove(_ path: ResourcePath, of kind: ResourceKind) {
        guard let old = self.resources[path.key] else { return }
        self.resources[path.key] = nil
        self.keys[kind.type.lowercased(), default: SortedKeys()].remove(path.key)
        self.everyKey.remove(path.key)
        for reference in kind.references(of: old) {
            self.referrers[reference.path.key, default: SortedKeys()].remove(path.key)
            if self.referrers[reference.path.key]?.isEmpty == true { self.referrers[reference.path.key] = nil }
        }
        for claim in kind.claims(old) where self.claims[claim.key] == path.key {
            self.claims[claim.key] = nil
        }
    }

    // A scope's own key and the keys below it, in order. Names may hold characters that sort before "/", so that of two
    // scopes side by side one can stand between the other and what is below that. "0" is the character after "/".
    private static func stretches(of scopes: [ResourcePath]) -> [(start: String, end: String?)] {
        if scopes.contains(.root) { return [("", nil)] }
        return scopes.flatMap { [($0.key, $0.key + "\u{0}"), ($0.key + "/", $0.key + "0")] }.sorted { $0.0 < $1.0 }
    }
}

import Vocabulary

/// All resources at one moment, with the look-ups that rules need.
struct Snapshot: Sendable {
    private var resources: [String: Resource] = [:]
    // Sorted keys for each type in lower case: a scope is a run in each of them.
    private var keys: [String: [String]] = [:]
    private var referrers: [String: Set<String>] = [:]
    private var claims: [String: String] = [:]

    init() {}

    /// The resource at a path.
    subscript(path: ResourcePath) -> Resource? { self.resources[path.key] }

    /// The resource with a comparable path.
    subscript(key key: String) -> Resource? { self.resources[key] }

    /// How many there are.
    var count: Int { self.resources.count }

    /// The resources at and below a scope in the order of their paths.
    func list(type: String?, below scope: ResourcePath) -> [Resource] {
        if let type {
            return self.run(of: type.lowercased(), below: scope).compactMap { self.resources[$0] }
        }
        return self.keys.keys.flatMap { self.run(of: $0, below: scope) }.sorted().compactMap { self.resources[$0] }
    }

    /// The comparable paths of the resources that refer to this one.
    func referrers(of path: ResourcePath) -> Set<String> { self.referrers[path.key] ?? [] }

    /// Who holds something that only one may hold.
    func holder(of claim: String) -> String? { self.claims[claim] }

    /// Puts a resource in, in the place of the one with the same path.
    mutating func put(_ resource: Resource, of kind: ResourceKind) {
        self.remove(resource.path, of: kind)
        let key = resource.path.key
        self.resources[key] = resource
        let type = kind.type.lowercased()
        let place = Self.place(of: key, in: self.keys[type, default: []])
        self.keys[type, default: []].insert(key, at: place)
        for reference in kind.references(of: resource) {
            self.referrers[reference.path.key, default: []].insert(key)
        }
        for claim in kind.claims(resource) {
            self.claims[claim.key] = key
        }
    }

    /// Takes a resource out.
    mutating func remove(_ path: ResourcePath, of kind: ResourceKind) {
        guard let old = self.resources.removeValue(forKey: path.key) else { return }
        let type = kind.type.lowercased()
        let place = Self.place(of: path.key, in: self.keys[type, default: []])
        if place < self.keys[type, default: []].count, self.keys[type]?[place] == path.key {
            self.keys[type]?.remove(at: place)
        }
        for reference in kind.references(of: old) {
            self.referrers[reference.path.key]?.remove(path.key)
            if self.referrers[reference.path.key]?.isEmpty == true {
                self.referrers[reference.path.key] = nil
            }
        }
        for claim in kind.claims(old) where self.claims[claim.key] == path.key {
            self.claims[claim.key] = nil
        }
    }

    private func run(of type: String, below scope: ResourcePath) -> ArraySlice<String> {
        let keys = self.keys[type] ?? []
        guard scope != .root else { return keys[...] }
        // "0" is the character after "/": everything between is the scope's own run.
        let start = Self.place(of: scope.key + "/", in: keys)
        let end = Self.place(of: scope.key + "0", in: keys)
        let own = Self.place(of: scope.key, in: keys)
        if own < keys.count, keys[own] == scope.key { return ([scope.key] + keys[start..<end])[...] }
        return keys[start..<end]
    }

    private static func place(of key: String, in keys: [String]) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

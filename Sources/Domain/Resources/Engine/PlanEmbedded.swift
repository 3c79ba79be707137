import Vocabulary

/// Children that stand in a list of their parent's `properties` as well as at an address of their own.
extension Plan {
    /// Plans what a list in a parent's body says: those it leaves out go first, so that their places are free for the others.
    mutating func putEmbedded(_ lists: [String: [JSONValue]], below parent: ResourcePath, _ kind: ResourceKind)
        throws(Problem)
    {
        for (name, list) in lists.sorted(by: { $0.key < $1.key }) {
            guard let type = kind.embedded[name] else { continue }
            var kept: [String: (path: ResourcePath, body: JSONValue)] = [:]
            var order: [String] = []
            for element in list {
                guard let child = element.member("name")?.string, NameRule.ordinary.allows(child) else {
                    throw .invalidContent("properties.\(name)", "needs a valid 'name' in each element")
                }
                let path = parent.appending(type.lastSegment, child)
                guard kept.updateValue((path, element), forKey: path.key) == nil else {
                    throw .invalidContent("properties.\(name)", "repeats the name '\(child)'")
                }
                order.append(path.key)
            }
            for child in self.children(of: parent, type: type) where kept[child.path.key] == nil {
                try self.remove(child.path, isAuthorized: true, isEmbedded: true)
            }
            for key in order {
                guard let one = kept[key] else { continue }
                _ = try self.put(one.path, body: one.body, isAuthorized: true, isEmbedded: true)
            }
        }
    }

    /// What a resource and, for a child, its parent have to say about the whole.
    func checkTogether(_ path: ResourcePath, _ kind: ResourceKind) throws(Problem) {
        if let resource = self[path] { try kind.checkTogether(resource, self) }
        if kind.isChild { try self.checkParent(of: path) }
    }

    /// What the parent of a child that changed or went has to say about the whole.
    func checkParent(of path: ResourcePath) throws(Problem) {
        guard let parent = path.parent.flatMap({ self[$0] }) else { return }
        try self.catalogue.kind(at: parent.path)?.checkTogether(parent, self)
    }
}

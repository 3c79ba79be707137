import AccessControl
import Vocabulary

extension Plan {
    /// Plans a DELETE of a resource and everything below it. Returns whether there was one.
    ///
    /// Refused while something that stays refers to something that goes.
    @discardableResult
    mutating func remove(
        _ path: ResourcePath,
        preconditions: Preconditions = Preconditions(),
        isAuthorized: Bool = false,
        isEmbedded: Bool = false
    ) throws(Problem) -> Bool {
        guard let kind = self.catalogue.kind(at: path) else { throw .unknownKind(path.type ?? path.description) }
        if !isAuthorized { try self.authorize(.delete(kind.actionType), at: path) }
        if kind.isDeclaredOnly, !self.author.isSystem {
            throw Problem(
                "OperationNotAllowed",
                shown: "Resources of type '\(kind.type)' are declared by the operator."
            )
        }
        try self.checkLocks(.delete, at: path)
        guard let resource = self[path] else {
            try preconditions.check(nil)
            if kind.type == ResourceKind.resourceGroup.type { throw .resourceGroupNotFound(path.name) }
            return false
        }
        try preconditions.check(resource)
        var going = self.everything(at: path)
        try self.addCompanions(to: &going, isAuthorized: isAuthorized)
        let keys = Set(going.map(\.path.key))
        for one in going {
            for referrer in self.referrers(of: one.path) where !keys.contains(referrer.path.key) {
                // A peering outlives its other half: it becomes Disconnected.
                guard !referrer.path.isOf(type: ResourceKind.virtualNetworkPeering.type) else { continue }
                throw Problem(
                    self.catalogue.kind(at: one.path)?.inUseCode ?? "ResourceInUse",
                    shown: "\(one.path) is in use by \(referrer.path) and cannot be deleted. In order to delete it, "
                        + "delete or change what uses it first."
                )
            }
        }
        for one in self.inDependencyOrder(going) {
            try self.catalogue.kind(at: one.path)?.mayRemove(one, &self)
            self.discard(one)
        }
        if !isEmbedded, kind.isChild { try self.checkParent(of: path) }
        return true
    }

    /// Children and those that refer to others come before what they need, as the audit then shows it.
    private func inDependencyOrder(_ going: [Resource]) -> [Resource] {
        let known = Dictionary(going.map { ($0.path.key, $0) }, uniquingKeysWith: { first, _ in first })
        var seen: Set<String> = []
        var order: [Resource] = []
        func visit(_ resource: Resource) {
            guard seen.insert(resource.path.key).inserted else { return }
            for user in self.referrers(of: resource.path) where known[user.path.key] != nil { visit(user) }
            for child in self.everything(at: resource.path) { visit(child) }
            order.append(resource)
        }
        for one in going.sorted(by: { $1.path.key < $0.path.key }) { visit(one) }
        return order
    }

    /// Adds what goes along. Whoever removes something must be allowed to remove that too.
    private func addCompanions(to going: inout [Resource], isAuthorized: Bool) throws(Problem) {
        var keys = Set(going.map(\.path.key))
        var place = 0
        while place < going.count {
            let one = going[place]
            place += 1
            for path in self.catalogue.kind(at: one.path)?.takesAlong(one, self) ?? [] {
                guard let companion = self[path], let kind = self.catalogue.kind(at: path),
                    keys.insert(path.key).inserted
                else { continue }
                if !isAuthorized { try self.authorize(.delete(kind.actionType), at: path) }
                try self.checkLocks(.delete, at: path)
                going.append(companion)
            }
        }
    }
}

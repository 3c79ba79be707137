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
        isAuthorized: Bool = false
    ) throws(Problem) -> Bool {
        guard let kind = self.catalogue.kind(at: path) else { throw .unknownKind(path.type ?? path.description) }
        if !isAuthorized { try self.authorize(.delete(kind.actionType), at: path) }
        if kind.isDeclaredOnly, !self.author.isSystem {
            throw Problem(
                "OperationNotAllowed",
                shown: "Resources of type '\(kind.type)' are declared by the operator."
            )
        }
        guard let resource = self[path] else {
            try preconditions.check(nil)
            if kind.type == ResourceKind.resourceGroup.type { throw .resourceGroupNotFound(path.name) }
            return false
        }
        try preconditions.check(resource)
        let going = self.everything(at: path)
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
        for one in going {
            try self.catalogue.kind(at: one.path)?.mayRemove(one, &self)
            self.discard(one)
        }
        return true
    }
}

public import Vocabulary

/// What a management lock stands in the way of.
public enum LockedOperation: String, Sendable {
    /// PUT, PATCH, and POST of an action.
    case write
    /// DELETE.
    case delete
}

extension ResourceKind {
    /// Locks: keep a scope and everything below it from being removed, or from being changed at all. They outweigh every role.
    ///
    /// Source: Azure management locks REST, 2016-09-01; "Lock your resources to protect your infrastructure".
    static let managementLock: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Authorization/locks",
            properties: [
                "level": Member(.word(["CanNotDelete", "ReadOnly", "NotSpecified"]), .required),
                "notes": Member(.text(512)),
                "owners": Member(.list(.object(["applicationId": Member(.text(256))]))),
            ]
        )
        kind.isTracked = false
        kind.isExtension = true
        kind.names = NameRule(longest: 90, extra: "-_.()")
        kind.complete = { lock, _, plan throws(Problem) in
            if let scope = lock.path.parent.flatMap({ plan[$0] }), scope.provisioningState == "Deleting" {
                throw .busy(scope)
            }
        }
        kind.show = { document, _, _, _ in
            document["etag"] = nil
            document["properties"]?["provisioningState"] = nil
        }
        return kind
    }()
}

extension Plan {
    /// Throws ScopeLocked when a lock at or above a place forbids this, or for a removal one below it. The system itself passes.
    func checkLocks(_ operation: LockedOperation, at path: ResourcePath) throws(Problem) {
        // Locks do not protect themselves: whoever may change locks may lift them.
        guard !self.author.isSystem, !path.isOf(type: ResourceKind.managementLock.type),
            let subscription = path.subscription.flatMap({ ResourcePath("/subscriptions/\($0)") })
        else { return }
        let locks = self.children(of: subscription, type: ResourceKind.managementLock.type)
        try Resources.check(locks, operation, at: path)
    }
}

extension Resources {
    /// Throws ScopeLocked when a lock forbids this at a place; for what other parts of the house change there: role assignments, actions.
    public func checkLocks(_ operation: LockedOperation, at path: ResourcePath) throws(Problem) {
        guard let subscription = path.subscription.flatMap({ ResourcePath("/subscriptions/\($0)") }) else { return }
        try Self.check(self.list(type: ResourceKind.managementLock.type, below: subscription), operation, at: path)
    }

    fileprivate static func check(_ locks: [Resource], _ operation: LockedOperation, at path: ResourcePath)
        throws(Problem)
    {
        let scopes = locks.compactMap { lock -> ResourcePath? in
            let level = lock.properties["level"]?.string
            let forbids = level == "ReadOnly" || (level == "CanNotDelete" && operation == .delete)
            guard forbids, let scope = lock.path.parent else { return nil }
            return scope.contains(path) || (operation == .delete && path.contains(scope)) ? scope : nil
        }
        guard !scopes.isEmpty else { return }
        let names = Set(scopes).sorted { $0.key < $1.key }.map { "'\($0)'" }.joined(separator: ", ")
        throw Problem(
            "ScopeLocked",
            shown: "The scope '\(path)' cannot perform \(operation.rawValue) operation because following scope(s) are "
                + "locked: \(names). Please remove the lock and try again."
        )
    }
}

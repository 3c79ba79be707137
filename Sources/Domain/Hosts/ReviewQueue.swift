import AccessControl
import Identity
import SSHAuthority
import Synchronization
import Vocabulary

/// What has changed and is still to be reviewed: any number of changes are one entry, so it cannot grow without bound.
final class ReviewQueue: Sendable {
    /// Changes that were gathered.
    struct Changes: Sendable {
        /// Everybody's standing everywhere.
        var everything = false
        /// Somebody's standing everywhere.
        var people: Set<GUID> = []
        /// Everybody's standing at and below.
        var scopes: Set<ResourcePath> = []
        /// Certificates were revoked.
        var revocations = false
        /// Every host's configuration.
        var configuration = false
        /// Machines that were changed or removed.
        var machines: Set<ResourcePath> = []

        var isEmpty: Bool {
            !self.everything && self.people.isEmpty && self.scopes.isEmpty && !self.revocations && !self.configuration
                && self.machines.isEmpty
        }

        mutating func add(_ other: Changes) {
            self.everything = self.everything || other.everything
            self.people.formUnion(other.people)
            self.scopes.formUnion(other.scopes)
            self.revocations = self.revocations || other.revocations
            self.configuration = self.configuration || other.configuration
            self.machines.formUnion(other.machines)
            self.shrink()
        }

        // Beyond this many it is cheaper to look at everything.
        fileprivate mutating func shrink() {
            if self.people.count + self.scopes.count > 1000 {
                self.everything = true
                self.people = []
                self.scopes = []
            }
        }

        /// Whether a session may be affected.
        func concern(_ session: HostSession) -> Bool {
            self.everything || self.revocations || self.people.contains(session.objectID)
                || self.machines.contains(session.machine) || self.concernScope(of: session.machine)
        }

        /// Whether the list of accounts of a machine may be affected.
        func concernAccounts(on machine: ResourcePath) -> Bool {
            self.everything || !self.people.isEmpty || self.machines.contains(machine)
                || self.concernScope(of: machine)
        }

        /// Whether what a machine is told may be affected.
        func concernConfiguration(of machine: ResourcePath) -> Bool {
            self.configuration || self.revocations || self.machines.contains(machine)
        }

        private func concernScope(of machine: ResourcePath) -> Bool {
            self.scopes.contains { $0.contains(machine) }
        }
    }

    /// One value for each time that something came; several become one.
    let wakes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let changes = Mutex(Changes())

    init() {
        (self.wakes, self.continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    func note(scope: ResourcePath) {
        // What lies in a management group is not known here.
        self.note { if scope.managementGroup == nil { $0.scopes.insert(scope) } else { $0.everything = true } }
    }

    func note(_ change: DirectoryChange) {
        self.note { changes in
            switch change {
            case .user(let id): changes.people.insert(id)
            // A service principal may be a machine's own identity.
            case .group, .servicePrincipal: changes.everything = true
            }
        }
    }

    func note(_ change: RevocationChange) {
        self.note { $0.revocations = true }
    }

    func noteConfiguration() {
        self.note { $0.configuration = true }
    }

    func note(machine: ResourcePath) {
        self.note { $0.machines.insert(machine) }
    }

    /// Takes everything that has come.
    func take() -> Changes {
        self.changes.withLock { changes in
            defer { changes = Changes() }
            return changes
        }
    }

    private func note(_ body: (inout Changes) -> Void) {
        self.changes.withLock { changes in
            body(&changes)
            changes.shrink()
        }
        self.continuation.yield()
    }
}

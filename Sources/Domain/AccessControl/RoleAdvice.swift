import Synchronization
import Vocabulary

/// Which of the roles that come with the program would give an action: the missing line in a refusal.
enum RoleAdvice {
    // Those that give least come first, so that nobody is told to ask for Owner in order to read.
    private static let order: [GUID] = [
        RoleDefinition.virtualMachineUserLogin, RoleDefinition.virtualMachineAdministratorLogin, RoleDefinition.reader,
        RoleDefinition.virtualMachineDataAccessAdministrator, RoleDefinition.virtualMachineContributor,
        RoleDefinition.networkContributor, RoleDefinition.roleBasedAccessControlAdministrator,
        RoleDefinition.userAccessAdministrator, RoleDefinition.contributor, RoleDefinition.owner,
    ]
    private static let mostNamed = 3
    private static let roles = Self.order.compactMap { name in
        RoleDefinition.builtIn.first { $0.name == name }.flatMap { try? PreparedRole($0) }
    }
    // Refusals are decided in microseconds too, and the same few actions are refused over and over.
    private static let known = Mutex<[Action: [String]]>([:])
    private static let mostKnown = 512

    /// The names of a few roles that hold an action, those that give least first.
    static func names(allowing action: Action) -> [String] {
        if let names = Self.known.withLock({ $0[action] }) { return names }
        let names = Self.roles
            .filter { $0.verdict(on: action, .none).mayGrant }
            .prefix(Self.mostNamed)
            .map(\.definition.roleName)
        Self.known.withLock { known in
            if known.count >= Self.mostKnown { known.removeAll() }
            known[action] = names
        }
        return names
    }
}

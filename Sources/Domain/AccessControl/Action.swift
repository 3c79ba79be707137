public import Vocabulary

/// Something that can be done to a resource, in the form `{Namespace}/{type}/{verb}`.
///
/// Control actions and data actions are different things even when they are spelled alike: a role's `*` in `actions`
/// never gives a data action. Compares without regard to letter case. Source: Azure role definitions, "Actions format".
public struct Action: Sendable {
    /// The action as written, for example `Microsoft.Compute/virtualMachines/read`.
    public let name: String
    /// Whether it acts on what is inside the resource (signing in) instead of the resource itself.
    public let isData: Bool
    /// The name in lower case: what patterns are held against.
    let key: String

    /// Names an action.
    public init(_ name: String, isData: Bool = false) {
        self.name = name
        self.isData = isData
        self.key = name.lowercased()
    }

    /// Signing in to a virtual machine as a regular user.
    public static let virtualMachineLogin = Action("Microsoft.Compute/virtualMachines/login/action", isData: true)
    /// Signing in to a virtual machine as an administrator.
    public static let virtualMachineLoginAsAdmin = Action(
        "Microsoft.Compute/virtualMachines/loginAsAdmin/action",
        isData: true
    )
    /// Signing in to a machine outside the cloud (Azure Arc) as a regular user.
    public static let hybridMachineLogin = Action("Microsoft.HybridCompute/machines/login/action", isData: true)
    /// Signing in to a machine outside the cloud (Azure Arc) as an administrator.
    public static let hybridMachineLoginAsAdmin = Action(
        "Microsoft.HybridCompute/machines/loginAsAdmin/action",
        isData: true
    )
    /// Giving somebody a role.
    public static let assignRole = Action("Microsoft.Authorization/roleAssignments/write")
    /// Taking somebody's role away.
    public static let removeRole = Action("Microsoft.Authorization/roleAssignments/delete")
    /// Seeing who has which role.
    public static let readRoles = Action("Microsoft.Authorization/roleAssignments/read")

    /// Reading resources of a type such as `Microsoft.Network/bastionHosts`.
    public static func read(_ type: String) -> Action { Action(type + "/read") }

    /// Creating or changing resources of a type.
    public static func write(_ type: String) -> Action { Action(type + "/write") }

    /// Deleting resources of a type.
    public static func delete(_ type: String) -> Action { Action(type + "/delete") }

    /// A verb of a type's own, for example `start` of `Microsoft.Compute/virtualMachines`.
    public static func post(_ verb: String, of type: String) -> Action { Action("\(type)/\(verb)/action") }

    /// Signing in to this machine, by its resource type; that of virtual machines for anything that is not an Arc
    /// machine.
    public static func login(to machine: ResourcePath, asAdmin: Bool) -> Action {
        if machine.isOf(type: "Microsoft.HybridCompute/machines") {
            return asAdmin ? .hybridMachineLoginAsAdmin : .hybridMachineLogin
        }
        return asAdmin ? .virtualMachineLoginAsAdmin : .virtualMachineLogin
    }
}

extension Action: Hashable {
    public static func == (left: Action, right: Action) -> Bool {
        left.key == right.key && left.isData == right.isData
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.key)
        hasher.combine(self.isData)
    }
}

extension Action: CustomStringConvertible {
    public var description: String { self.name }
}

public import AccessControl
public import Fabric
public import Vocabulary

/// What resources need from other parts of the house, which know resources but are not known by them.
public struct ResourceHooks: Sendable {
    /// Makes or finds the identity of a machine; the same path gives the same identity.
    public var assignIdentity: @Sendable (ResourcePath) async throws -> (principalID: GUID, tenantID: GUID)
    /// Removes the identity of a machine; nothing happens when there is none.
    public var removeIdentity: @Sendable (ResourcePath) async throws -> Void
    /// Turns sign-in on and off on the machine itself.
    public var signIn: SignInExtensionDriver
    /// What the machine reports about itself, in the shape of an instance view; nil when it never joined.
    public var instanceView: @Sendable (ResourcePath) -> JSONValue?
    /// Has something done on a machine, as root, by its agent; waits with a deadline.
    public var perform: @Sendable (MachineTask, ResourcePath) async -> Verdict<MachineTaskResult> = { task, machine in
        .refused(.notThere(machine))
    }
    /// What makes machines and networks real.
    public var fabric: any Fabric = NoFabric()
    /// How a machine that is about to be made joins the server; nil when it need not.
    public var enrolment: @Sendable (ResourcePath) async throws -> MachineOrder.Enrolment? = { _ in nil }
    /// How somebody with access to a machine that exists already lets it join: said in its instance view.
    public var joinAdvice: @Sendable (ResourcePath) -> String = { _ in "Join the machine with sally-agent." }
    /// The application id of an identity, by its object id.
    public var clientID: @Sendable (GUID) async -> GUID? = { _ in nil }
    /// How long a machine that was made may take to join before it is called ready without.
    public var joinDeadline: Duration = .seconds(60)

    /// Names the four that every house has.
    public init(
        assignIdentity: @escaping @Sendable (ResourcePath) async throws -> (principalID: GUID, tenantID: GUID),
        removeIdentity: @escaping @Sendable (ResourcePath) async throws -> Void,
        signIn: SignInExtensionDriver,
        instanceView: @escaping @Sendable (ResourcePath) -> JSONValue?
    ) {
        self.assignIdentity = assignIdentity
        self.removeIdentity = removeIdentity
        self.signIn = signIn
        self.instanceView = instanceView
    }

    /// A house without identities and machines: assigning an identity fails, no machine ever answers.
    public static let none = ResourceHooks(
        assignIdentity: { _ in throw Problem("IdentityServiceUnavailable", shown: "Identities cannot be made now.") },
        removeIdentity: { _ in },
        signIn: .absent,
        instanceView: { _ in nil }
    )
}

/// Turns sign-in with directory identities on and off on a machine. Both wait with a deadline of their own.
public struct SignInExtensionDriver: Sendable {
    /// Returns when the machine reports that sign-in works, or with the reason why it does not.
    public var enable: @Sendable (ResourcePath) async -> Verdict<Void>
    /// Returns when sign-in is off.
    public var disable: @Sendable (ResourcePath) async -> Verdict<Void>

    /// Names the two.
    public init(
        enable: @escaping @Sendable (ResourcePath) async -> Verdict<Void>,
        disable: @escaping @Sendable (ResourcePath) async -> Verdict<Void>
    ) {
        self.enable = enable
        self.disable = disable
    }

    /// No machine is ever there.
    public static let absent = SignInExtensionDriver(
        enable: { machine in
            .refused(
                Refusal(
                    "VMAgentStatusCommunicationError",
                    reason: "The machine '\(machine.name)' has not joined, so nothing can be installed on it.",
                    remedy: "Join it with sally-agent, then install the extension again."
                )
            )
        },
        disable: { _ in .allowed(()) }
    )
}

/// What is the same for every resource of an installation.
public struct ResourceSettings: Sendable {
    /// A place where resources can be.
    public struct Location: Sendable, Hashable {
        /// The normal form, for example `local`.
        public let name: String
        /// The name to show.
        public let displayName: String

        /// Names a place.
        public init(name: String, displayName: String) {
            self.name = name
            self.displayName = displayName
        }
    }

    /// The tenant that every subscription belongs to.
    public var tenantID: GUID
    /// Its name to show.
    public var tenantName: String
    /// Its verified domains, the default one first.
    public var domains: [String]
    /// Host, or host and port, where the data plane of a bastion host answers: its `dnsName`.
    public var dataPlaneHost: @Sendable (ResourcePath) -> String
    /// The places that are offered; resources may name others.
    public var locations: [Location]
    /// Which addresses may be dialled at all.
    public var addressPolicy: AddressPolicy
    /// Whether an address in a virtual network may be dialled: virtual networks are words that anybody with a role may write, and only some
    /// stand for a network that the server reaches.
    public var isWired: @Sendable (_ network: ResourcePath, _ address: String) -> Bool = { _, _ in true }
    /// Whether the operator declared that a virtual network stands for one that exists already: nothing is made in those.
    public var isDeclared: @Sendable (_ network: ResourcePath) -> Bool = { _ in false }

    /// The addresses that public IP resources are given; none means that they stay without one.
    public var publicAddresses: [AddressPrefix] = []
    /// The zone in which `{label}.{location}` names a public address; nil when there is none, and then no name is shown.
    public var publicDomain: String?

    /// Describes an installation.
    public init(
        tenantID: GUID,
        tenantName: String,
        domains: [String],
        locations: [Location] = [Location(name: "local", displayName: "Local")],
        addressPolicy: AddressPolicy = .standard,
        dataPlaneHost: @escaping @Sendable (ResourcePath) -> String
    ) {
        self.tenantID = tenantID
        self.tenantName = tenantName
        self.domains = domains
        self.locations = locations
        self.addressPolicy = addressPolicy
        self.dataPlaneHost = dataPlaneHost
    }
}

import Vocabulary

/// A kind of resource as a value: what its body looks like, what it depends on, what must hold.
///
/// One file in `Kinds/` each. The engine calls `complete` when a body has been read and `show` when one is answered; neither stores anything.
struct ResourceKind: Sendable {
    /// What a PATCH may change.
    enum Patching: Sendable {
        case tags
        case everything
    }

    /// Something that only one resource may hold, and what to say to the second.
    struct Claim: Sendable {
        let key: String
        let problem: @Sendable (_ holder: String) -> Problem
    }

    /// The type in Azure's spelling.
    var type: String
    /// The type in actions, where it differs: resource groups are `Microsoft.Resources/subscriptions/resourceGroups` there.
    var actionType: String
    /// Whether it has a location of its own and takes tags.
    var isTracked = true
    /// Whether only the system makes and removes it.
    var isDeclaredOnly = false
    /// Whether the body may switch a system-assigned identity on.
    var takesIdentity = false
    /// Whether it is an identity itself.
    var isIdentity = false
    /// What it may be called.
    var names = NameRule.ordinary
    /// What `properties` looks like.
    var properties: [String: Member]
    /// What `sku` looks like; nil when the kind has none.
    var sku: [String: Member]?
    /// Child types whose resources also stand in a list of the parent's `properties`, by the name of that list.
    var embedded: [String: String] = [:]
    /// Whether a PUT that leaves such a list out removes the children; otherwise they stay.
    var emptiesEmbedded = false
    /// Whether it is attached to any other resource: `{scope}/providers/{type}/{name}`.
    var isExtension = false
    /// The code that answers a removal while something refers to the resource.
    var inUseCode = "ResourceInUse"
    /// What a PATCH may change.
    var patching = Patching.tags
    /// Whether making, changing and removing it takes an operation on the machine itself.
    var isInstalled: @Sendable (Resource) -> Bool = { _ in false }
    /// Whether making it may take such an operation, so that room for one is asked for first.
    var takesTime = false
    /// Whether it makes machines of its own, which need what its body keeps secret.
    var makesMachines = false
    /// Does that work, for a resource whose state says that it is not done. Returns why not.
    var carryOut: @Sendable (Resources, ResourcePath) async -> Verdict<Void> = { _, _ in .allowed(()) }
    /// What a POST on it does, by the verb's name in lower case. The right for it is asked for before.
    var actions: [String: KindAction] = [:]
    /// Other resources that go when it goes, because it says so.
    var takesAlong: @Sendable (Resource, Plan) -> [ResourcePath] = { _, _ in [] }
    /// Adds to the `properties` of a PUT what stays as it was when a client leaves it out; by itself a PUT replaces everything.
    var fill: @Sendable (_ sent: inout JSONValue, _ previous: Resource) -> Void = { _, _ in }
    /// Judges what is sent and never kept, when a body has been read.
    var inspect: @Sendable (_ body: JSONValue, Resource, _ previous: Resource?) throws(Problem) -> Void = { _, _, _ in }
    /// Whether a PUT without tags leaves them as they are.
    var keepsTags = false
    /// What it holds alone.
    var claims: @Sendable (Resource) -> [Claim] = { _ in [] }
    /// Checks a resource against the others and fills in what the server decides (addresses, identifiers).
    var complete: @Sendable (inout Resource, _ previous: Resource?, inout Plan) throws(Problem) -> Void = { _, _, _ in }
    /// Checks a resource together with its children, once all of them are as they will be.
    var checkTogether: @Sendable (Resource, Plan) throws(Problem) -> Void = { _, _ in }
    /// Refuses a removal that would leave something broken; references from outside are refused before.
    var mayRemove: @Sendable (Resource, inout Plan) throws(Problem) -> Void = { _, _ in }
    /// Adds the members that follow from other resources.
    var show: @Sendable (inout JSONValue, Resource, Snapshot, ResourceSettings) -> Void = { _, _, _, _ in }

    /// A kind with the parts that every kind has.
    init(_ type: String, properties: [String: Member], sku: [String: Member]? = nil) {
        self.type = type
        self.actionType = type
        self.properties = properties
        self.sku = sku
    }

    /// The same kind under another type: what it is when it stands below something else.
    func called(_ type: String) -> ResourceKind {
        var kind = self
        kind.type = type
        kind.actionType = type
        return kind
    }

    /// Every reference that a stored resource makes.
    func references(of resource: Resource) -> [Reference] {
        Shape.object(self.properties).references(in: resource.properties, at: "properties")
    }

    /// Whether resources of this kind stand below another resource.
    var isChild: Bool { self.type.split(separator: "/" as Character).count > 2 }
}

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
    let type: String
    /// The type in actions, where it differs: resource groups are `Microsoft.Resources/subscriptions/resourceGroups` there.
    var actionType: String
    /// Whether it has a location of its own and takes tags.
    var isTracked = true
    /// Whether only the system makes and removes it.
    var isDeclaredOnly = false
    /// Whether the body may switch a system-assigned identity on.
    var takesIdentity = false
    /// What it may be called.
    var names = NameRule.ordinary
    /// What `properties` looks like.
    var properties: [String: Member]
    /// What `sku` looks like; nil when the kind has none.
    var sku: [String: Member]?
    /// Child types whose resources also stand in a list of the parent's `properties`, by the name of that list.
    var embedded: [String: String] = [:]
    /// The code that answers a removal while something refers to the resource.
    var inUseCode = "ResourceInUse"
    /// What a PATCH may change.
    var patching = Patching.tags
    /// Whether making, changing and removing it takes an operation on the machine itself.
    var isInstalled: @Sendable (Resource) -> Bool = { _ in false }
    /// What it holds alone.
    var claims: @Sendable (Resource) -> [Claim] = { _ in [] }
    /// Checks a resource against the others and fills in what the server decides (addresses, identifiers).
    var complete: @Sendable (inout Resource, _ previous: Resource?, inout Plan) throws(Problem) -> Void = { _, _, _ in }
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

    /// Every reference that a stored resource makes.
    func references(of resource: Resource) -> [Reference] {
        Shape.object(self.properties).references(in: resource.properties, at: "properties")
    }

    /// Whether resources of this kind stand below another resource.
    var isChild: Bool { self.type.split(separator: "/" as Character).count > 2 }
}

public import Vocabulary

/// One thing that Azure Resource Manager would know: its place, its kind, and what clients said about it.
///
/// Holds what was stored. Members that follow from other resources (`peeringState`, `virtualMachine` of an interface, `dnsName`) are added by
/// `Resources.document(of:expanding:)`.
public struct Resource: Sendable, Hashable {
    /// The identifier, spelled as first written.
    public let path: ResourcePath
    /// The type in Azure's spelling, for example `Microsoft.Network/networkInterfaces`.
    public let type: String
    /// The region in its normal form; nil for kinds that have none.
    public var location: String?
    /// The tags.
    public var tags: [String: String] = [:]
    /// Whether a client said what the tags are, be it that there are none: then they are shown.
    public var showsTags = false
    /// The size or edition, for kinds that have one.
    public var sku: JSONValue?
    /// The managed identity: `type`, `principalId`, `tenantId`; nil when there is none.
    public var identity: JSONValue?
    /// Who manages it, for resource groups; a word of the client's.
    public var managedBy: String?
    /// Availability zones, as sent.
    public var zones: JSONValue?
    /// The members of `properties`, always an object.
    public var properties: JSONValue = [:]
    /// `Succeeded`, or how far a long-running operation is.
    public var provisioningState: String = "Succeeded"
    /// What went wrong last, for a resource whose `provisioningState` is `Failed`.
    public var failure: Refusal?
    /// What was ordered to make it real; nil for what exists without this server. Never shown.
    public var making: Making?
    /// The version, in the form of an entity tag.
    public var etag: String = ""
    /// When it was made.
    public let createdAt: Instant
    /// When it last changed.
    public var changedAt: Instant

    /// The resource's own name.
    public var name: String { self.path.name }

    /// Whether a system-assigned identity is on.
    public var hasSystemIdentity: Bool {
        self.identity?["type"]?.string?.hasPrefix("SystemAssigned") == true
    }

    /// The object id of the system-assigned identity.
    public var identityPrincipal: GUID? {
        self.identity?["principalId"]?.string.flatMap { GUID($0) }
    }

    /// The body that answers a GET, without the members that follow from other resources.
    public var document: JSONValue {
        var members: [String: JSONValue] = [
            "id": .string(self.path.description), "name": .string(self.name), "type": .string(self.type),
        ]
        if !Self.typesWithoutTag.contains(self.type.lowercased()) { members["etag"] = .string(self.etag) }
        var properties = self.properties
        properties["provisioningState"] = .string(self.provisioningState)
        members["properties"] = properties
        if let location = self.location { members["location"] = .string(location) }
        if self.showsTags || !self.tags.isEmpty { members["tags"] = .object(self.tags.mapValues { .string($0) }) }
        members["sku"] = self.sku
        members["identity"] = self.identity
        members["zones"] = self.zones
        members["managedBy"] = self.managedBy.map { .string($0) }
        return .object(members)
    }

    /// Types whose answers carry no tag. Source: the models of Azure's SDKs.
    private static let typesWithoutTag: Set<String> = [
        "microsoft.compute/disks", "microsoft.compute/virtualmachines/extensions",
        "microsoft.compute/virtualmachines/runcommands",
        "microsoft.compute/virtualmachinescalesets/virtualmachines/runcommands", "microsoft.compute/sshpublickeys",
    ]

    /// Whether the other one says the same, apart from version and time.
    func says(theSameAs other: Resource) -> Bool {
        var twin = other
        twin.etag = self.etag
        twin.changedAt = self.changedAt
        return self == twin
    }
}

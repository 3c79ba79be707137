public import Vocabulary

/// A machine as the resource model knows it: what a host is allowed to be.
public struct Machine: Sendable, Hashable {
    /// The resource, spelled as first written.
    public var path: ResourcePath
    /// The object id of the machine's own identity; nil when it has none, and then nobody may log in.
    public var identity: GUID?
    /// The names that clients use, besides the resource's own: as declared, never as the host says of itself.
    public var names: [String]
    /// The private addresses, as declared.
    public var addresses: [String]
    /// The instance metadata `compute` document. Source: Azure Instance Metadata Service, instance metadata.
    public var compute: JSONValue
    /// The identities that were given to it besides its own.
    public var assigned: [AssignedIdentity]
    /// Which public address leads to a private one, as declared.
    public var publicAddresses: [String: String]

    /// Describes a machine.
    public init(
        path: ResourcePath,
        identity: GUID?,
        names: [String] = [],
        addresses: [String] = [],
        compute: JSONValue = [:],
        assigned: [AssignedIdentity] = [],
        publicAddresses: [String: String] = [:]
    ) {
        self.path = path
        self.identity = identity
        self.names = names
        self.addresses = addresses
        self.compute = compute
        self.assigned = assigned
        self.publicAddresses = publicAddresses
    }

    /// Every name that the host's certificate is good for: names, addresses, and `machine.group.subscription`, which is unique.
    ///
    /// A host cannot choose any of them, so it cannot get a certificate for another's.
    public var principals: [String] {
        var names = [self.path.name] + self.names + self.addresses
        if let group = self.path.resourceGroup, let subscription = self.path.subscription {
            names.append("\(self.path.name).\(group).\(subscription)")
        }
        var seen: Set<String> = []
        return names.map { $0.lowercased() }.filter { Self.isHostName($0) && seen.insert($0).inserted }
    }

    // Names of resource groups may hold characters that no host name has.
    private static func isHostName(_ name: String) -> Bool {
        (1...253).contains(name.utf8.count)
            && name.utf8.allSatisfy { unit in
                switch unit {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: "-._:()".utf8.contains(unit)
                }
            }
    }
}

/// Where machines are looked up.
public struct Machines: Sendable {
    /// The machine at a path, nil when there is none.
    public var machine: @Sendable (ResourcePath) -> Machine?

    /// Makes a look-up from a function.
    public init(_ machine: @escaping @Sendable (ResourcePath) -> Machine?) {
        self.machine = machine
    }
}

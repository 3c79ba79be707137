public import Vocabulary

/// A bastion host as the command line knows it.
public struct Bastion: Sendable, Equatable {
    /// Its resource path.
    public let path: ResourcePath
    /// Where its data plane answers: host or host:port.
    public let dnsName: String
    /// The network it stands in.
    public let network: ResourcePath?
    /// Its edition, for example `Standard`.
    public let edition: String?
    /// Whether it lets native clients through.
    public let isOpenToClients: Bool
    /// Whether it leads to addresses as well as to machines.
    public let isOpenToAddresses: Bool
    /// Whether it signs people in with accounts of its network's domain.
    public let takesKerberos: Bool

    /// Reads the resource's JSON; nil without an id or a name that is nothing but a host and a port.
    public init?(_ json: JSONValue) {
        let properties = json["properties"]
        guard let path = json["id"]?.string.flatMap({ ResourcePath($0) }),
            let dnsName = properties?["dnsName"]?.string,
            let address = try? WebAddress("https://" + dnsName), address.target == "/", !dnsName.hasSuffix("/")
        else { return nil }
        self.path = path
        self.dnsName = dnsName
        let subnet = properties?["ipConfigurations"]?.array?.first?["properties"]?["subnet"]?["id"]?.string
        self.network = subnet.flatMap { ResourcePath($0) }?.parent
        self.edition = json["sku"]?["name"]?.string
        self.isOpenToClients = properties?["enableTunneling"]?.bool ?? false
        self.takesKerberos = properties?["enableKerberos"]?.bool ?? false
        self.isOpenToAddresses = properties?["enableIpConnect"]?.bool ?? false
    }

    /// Throws when native clients cannot use this bastion host, as the Azure CLI does before it opens anything.
    public func checkForClients() throws(Problem) {
        guard self.edition == "Standard" || self.edition == "Premium" else {
            throw Problem(
                "NativeClientNotSupported",
                shown: "Native clients need a bastion host of the Standard or Premium SKU; '\(self.path.name)' is "
                    + "\(PrintableText.of(self.edition ?? "of none")). Use the portal, or upgrade it."
            )
        }
        guard self.isOpenToClients else {
            throw Problem(
                "TunnelingDisabled",
                shown: "Native client support is off on '\(self.path.name)'. Its owner turns it on with: "
                    + "az network bastion update -n \(self.path.name) -g \(self.path.resourceGroup ?? "…") "
                    + "--enable-tunneling true"
            )
        }
    }
}

/// Which bastion host leads to a machine.
public struct BastionChoice: Sendable, Equatable {
    /// The one to go through.
    public let bastion: Bastion
    /// What the person should know about the choice, if it is not what they would expect.
    public let note: String?

    /// Chooses: the one in the machine's own network, else one in a network peered with it, and among several the one that the person
    /// prefers. Nil when there is none at all.
    ///
    /// - Parameters:
    ///   - all: those that the person may see.
    ///   - preferred: the name that the environment says; only a wish, because it cannot know the machine.
    ///   - networks: the machine's own; empty when they could not be read.
    ///   - peered: those connected with them.
    public init?(
        from all: [Bastion],
        preferring preferred: String?,
        for machine: String,
        networks: [ResourcePath],
        peered: [ResourcePath]
    ) {
        func isPreferred(_ bastion: Bastion) -> Bool { bastion.path.name.lowercased() == preferred?.lowercased() }
        func first(_ candidates: [Bastion]) -> Bastion? { candidates.first(where: isPreferred) ?? candidates.first }
        let near = first(all.filter { $0.network.map(networks.contains) ?? false })
        let reaching = near ?? first(all.filter { $0.network.map(peered.contains) ?? false })
        guard let choice = reaching ?? first(all) else { return nil }
        self.bastion = choice
        if let preferred, !isPreferred(choice) {
            let isSeen = all.contains(where: isPreferred)
            let why =
                !isSeen
                ? "which you may not see"
                : "which is not in the network of '\(PrintableText.of(machine))'"
            self.note =
                "SALLYPORT_BASTION names '\(PrintableText.of(preferred))', \(why): going through '\(choice.path.name)'."
        } else if reaching == nil, !networks.isEmpty {
            self.note =
                "No bastion host that you may see stands in the network of '\(PrintableText.of(machine))' or in "
                + "one peered with it; trying '\(choice.path.name)'."
        } else {
            self.note = nil
        }
    }
}

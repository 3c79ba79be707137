import Fabric
import Vocabulary

/// A rule of a security group, read from its resource.
struct SecurityRule: Sendable {
    /// Where traffic comes from or goes to.
    enum Place: Hashable, Sendable {
        case any
        case prefix(AddressPrefix)
        /// A service tag, in Azure's spelling, without its region.
        case tag(String)
        /// An application security group.
        case group(ResourcePath)
        /// An IPv6 range: no machine here has such an address.
        case foreign
    }

    /// The tags that a rule may name. Those of services that do not exist here stand for no address.
    static let tags = [
        "VirtualNetwork", "Internet", "AzureLoadBalancer", "GatewayManager", "AzureCloud", "AzureActiveDirectory",
        "AzureMonitor", "AzureTrafficManager", "AzureKeyVault", "AzureResourceManager", "AzureBackup", "AzureDevOps",
        "AzureContainerRegistry", "AzureFrontDoor", "AzurePlatformDNS", "AzurePlatformIMDS", "AzurePlatformLKM",
        "AzureSiteRecovery", "AzureUpdateDelivery", "ApiManagement", "AppService", "EventHub", "ServiceBus", "Sql",
        "SqlManagement", "Storage", "WindowsVirtualDesktop",
    ]
    static let everyPort = 0...65_535

    let name: String
    let group: ResourcePath
    let isAllowed: Bool
    let isInbound: Bool
    let priority: Int64
    /// Nil for ESP and AH, which carry nothing here.
    let transport: TrafficRule.Transport?
    /// Whether it asks for certain source ports.
    let wantsSourcePorts: Bool
    let sources: [Place]
    let destinations: [Place]
    let ports: [ClosedRange<Int>]

    /// Reads a stored rule; nil for one that is not complete.
    init?(_ resource: Resource) {
        let properties = resource.properties
        guard let access = properties["access"]?.string, let direction = properties["direction"]?.string,
            let priority = properties["priority"]?.integer, let group = resource.path.parent
        else { return nil }
        self.name = resource.name
        self.group = group
        self.isAllowed = access == "Allow"
        self.isInbound = direction == "Inbound"
        self.priority = priority
        self.transport =
            switch properties["protocol"]?.string {
            case "Tcp": .tcp
            case "Udp": .udp
            case "Icmp": .icmp
            case "*": .any
            default: nil
            }
        let sourcePorts = Self.texts("sourcePortRange", of: properties).compactMap(Self.ports)
        self.wantsSourcePorts = !sourcePorts.isEmpty && !sourcePorts.contains(Self.everyPort)
        self.sources = Self.places("source", of: properties)
        self.destinations = Self.places("destination", of: properties)
        self.ports = Self.texts("destinationPortRange", of: properties).compactMap(Self.ports)
    }

    private init(
        _ name: String,
        of group: ResourcePath,
        allows: Bool,
        inbound: Bool,
        _ priority: Int64,
        _ from: Place,
        _ to: Place
    ) {
        self.name = name
        self.group = group
        self.isAllowed = allows
        self.isInbound = inbound
        self.priority = priority
        self.transport = .any
        self.wantsSourcePorts = false
        self.sources = [from]
        self.destinations = [to]
        self.ports = [Self.everyPort]
    }

    /// The six rules that every group ends with.
    static func defaults(of group: ResourcePath) -> [SecurityRule] {
        let network = Place.tag("VirtualNetwork")
        return [
            SecurityRule("AllowVnetInBound", of: group, allows: true, inbound: true, 65_000, network, network),
            SecurityRule(
                "AllowAzureLoadBalancerInBound",
                of: group,
                allows: true,
                inbound: true,
                65_001,
                .tag("AzureLoadBalancer"),
                .any
            ),
            SecurityRule("DenyAllInBound", of: group, allows: false, inbound: true, 65_500, .any, .any),
            SecurityRule("AllowVnetOutBound", of: group, allows: true, inbound: false, 65_000, network, network),
            SecurityRule(
                "AllowInternetOutBound",
                of: group,
                allows: true,
                inbound: false,
                65_001,
                .any,
                .tag("Internet")
            ),
            SecurityRule("DenyAllOutBound", of: group, allows: false, inbound: false, 65_500, .any, .any),
        ]
    }

    /// Whether it is about a transport.
    func carries(_ transport: TrafficRule.Transport) -> Bool {
        self.transport == .any || self.transport == transport
    }

    /// Whether it names a tag, or anywhere, as its source.
    func comes(from tag: String) -> Bool {
        self.sources.contains(.tag(tag)) || self.sources.contains(.any)
    }

    /// Whether people may come from somewhere in its sources: the Internet, or the ranges that an operator narrowed it to.
    var letsClientsIn: Bool {
        self.sources.contains { ![.tag("GatewayManager"), .tag("AzureLoadBalancer")].contains($0) }
    }

    /// Whether it names a tag, or anywhere, as its destination; any destination for nil.
    func goes(to tag: String?) -> Bool {
        tag.map { self.destinations.contains(.tag($0)) || self.destinations.contains(.any) } ?? true
    }

    // MARK: Reading

    private static func texts(_ name: String, of properties: JSONValue) -> [String] {
        let plural = name.hasSuffix("Prefix") ? name + "es" : name + "s"
        let single = properties[name]?.string.map { [$0] } ?? []
        return single.filter { !$0.isEmpty } + (properties[plural]?.array ?? []).compactMap(\.string)
    }

    private static func places(_ side: String, of properties: JSONValue) -> [Place] {
        let groups = (properties["\(side)ApplicationSecurityGroups"]?.array ?? [])
            .compactMap { $0["id"]?.string.flatMap { ResourcePath($0) } }
        return self.texts("\(side)AddressPrefix", of: properties).compactMap(self.place) + groups.map(Place.group)
    }

    /// Reads `*`, an address, a range or a tag.
    static func place(_ text: String) -> Place? {
        if text == "*" || text.lowercased() == "any" { return .any }
        // A number is an address, too, as inet_aton(3) reads it and Azure does.
        if let number = UInt32(text) { return .prefix(AddressPrefix(IPv4Address(number: number), length: 32)) }
        if let prefix = AddressPrefix(masking: text) { return prefix == .everything ? .any : .prefix(prefix) }
        if text.contains(":"), text.allSatisfy({ $0.isHexDigit || ":/.".contains($0) }) { return .foreign }
        let word = text.split(separator: "." as Character, omittingEmptySubsequences: false).first?.lowercased()
        return Self.tags.first { $0.lowercased() == word }.map(Place.tag)
    }

    /// Reads `*`, a port or a range such as `8000-8100`.
    static func ports(_ text: String) -> ClosedRange<Int>? {
        if text == "*" { return Self.everyPort }
        let parts = text.split(separator: "-" as Character, omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count),
            parts.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 5 && $0.allSatisfy(\.isNumber) }),
            let low = Int(parts[0]), let high = Int(parts[parts.count - 1]), low <= high, high <= 65_535
        else { return nil }
        return low...high
    }

    /// Throws for a rule that means nothing.
    static func check(_ rule: Resource) throws(Problem) {
        let properties = rule.properties
        let priority = properties["priority"]?.integer ?? 0
        guard (100...4096).contains(priority) else {
            throw Problem(
                "SecurityRuleInvalidPriority",
                shown: "Security rule has invalid Priority. Value provided: \(priority) Allowed range 100-4096."
            )
        }
        for side in ["source", "destination"] {
            let ports = self.texts("\(side)PortRange", of: properties)
            let groups = properties["\(side)ApplicationSecurityGroups"]?.array ?? []
            let addresses = self.texts("\(side)AddressPrefix", of: properties)
            guard !ports.isEmpty, !addresses.isEmpty || !groups.isEmpty else {
                throw Problem(
                    "SecurityRuleParameterContainsNoValue",
                    shown: "Required security rule parameters are missing for security rule '\(rule.name)': it must "
                        + "specify a \(side) port range, and a \(side) address prefix or application security group."
                )
            }
            for text in ports where self.ports(text) == nil {
                throw Problem(
                    "SecurityRuleInvalidPortRange",
                    shown:
                        "Security rule has invalid Port range. Value provided: \(PrintableText.of(text)). Value should "
                        + "be an integer OR integer range with '-' delimiter. Valid range 0-65535."
                )
            }
            for text in addresses where self.place(text) == nil {
                throw Problem(
                    "SecurityRuleInvalidAddressPrefix",
                    shown: "Security rule has invalid Address prefix. Value provided: \(PrintableText.of(text))"
                )
            }
        }
    }

    /// How a default rule is shown.
    func defaultDocument(of group: Resource) -> JSONValue {
        func text(_ place: Place?) -> JSONValue {
            if case .tag(let name)? = place { return .string(name) }
            return "*"
        }
        return [
            "id": .string("\(group.path)/defaultSecurityRules/\(self.name)"), "name": .string(self.name),
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules", "etag": .string(group.etag),
            "properties": [
                "provisioningState": "Succeeded", "protocol": "*", "sourcePortRange": "*",
                "destinationPortRange": "*", "sourceAddressPrefix": text(self.sources.first),
                "destinationAddressPrefix": text(self.destinations.first),
                "access": .string(self.isAllowed ? "Allow" : "Deny"), "priority": .integer(self.priority),
                "direction": .string(self.isInbound ? "Inbound" : "Outbound"), "sourcePortRanges": [],
                "destinationPortRanges": [], "sourceAddressPrefixes": [], "destinationAddressPrefixes": [],
            ],
        ]
    }
}

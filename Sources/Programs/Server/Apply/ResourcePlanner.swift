import Resources
import Vocabulary

/// Turns the resources of an apply file into resource-API bodies, in the order they depend on each other.
struct ResourcePlanner: Sendable {
    /// One thing to do.
    enum Step: Sendable {
        case put(ResourcePath, JSONValue, what: String)
        case delete(ResourcePath, what: String)
    }

    /// A subscription that is there, or that the file makes.
    struct Subscription: Sendable {
        let path: ResourcePath
        let displayName: String
    }

    let resources: Resources
    let subscriptions: [Subscription]
    let file: ApplyFile
    // By name in lower case, the first of each: every machine asks for its group and network, and every role for its scope.
    private let subscriptionsByName: [String: ResourcePath]
    private let groups: [String: ResourcePath]
    private let groupEntries: [String: ApplyFile.ResourceGroupEntry]
    private let networkEntries: [String: ApplyFile.NetworkEntry]

    init(resources: Resources, subscriptions: [Subscription], file: ApplyFile) {
        self.resources = resources
        self.subscriptions = subscriptions
        self.file = file
        let first = { (path: ResourcePath, _: ResourcePath) in path }
        self.subscriptionsByName = Dictionary(
            subscriptions.flatMap { [($0.path.name.lowercased(), $0.path), ($0.displayName.lowercased(), $0.path)] },
            uniquingKeysWith: first
        )
        let groups = resources.list(type: "Microsoft.Resources/resourceGroups", below: .root)
        self.groups = Dictionary(groups.map { ($0.name.lowercased(), $0.path) }, uniquingKeysWith: first)
        self.groupEntries = Dictionary(file.resourceGroups.map { ($0.name.lowercased(), $0) }) { first, _ in first }
        self.networkEntries = Dictionary(file.networks.map { ($0.name.lowercased(), $0) }) { first, _ in first }
    }

    /// The steps for the whole file.
    func plan() throws(Problem) -> [Step] {
        let file = self.file
        var steps: [Step] = []
        for subscription in self.subscriptions {
            let body: JSONValue = ["properties": ["displayName": .string(subscription.displayName)]]
            steps.append(.put(subscription.path, body, what: "subscription \(subscription.displayName)"))
        }
        for entry in file.resourceGroups {
            let path = try self.subscription(entry.subscription).appending("resourceGroups", entry.name)
            steps.append(.put(path, ["location": .string(entry.location)], what: "resource group \(entry.name)"))
        }
        for entry in file.networks { steps.append(try self.network(entry, file)) }
        for entry in file.networks { steps += try self.peerings(entry, file) }
        for entry in file.bastions { steps += try self.bastion(entry, file) }
        for entry in file.machines { steps += try self.machine(entry, file) }
        return steps
    }

    /// The scope that a role assignment names: `/`, a subscription, a group, `group/machine`, or a whole path.
    func scope(_ text: String) throws(Problem) -> ResourcePath {
        if text.hasPrefix("/") {
            guard let path = ResourcePath(text) else {
                throw Problem("ApplyFile", shown: "'\(PrintableText.of(text))' is no scope.")
            }
            return path
        }
        let parts = text.split(separator: "/").map(String.init)
        if parts.count == 2 {
            return try self.resource(parts[0], "Microsoft.Compute/virtualMachines", parts[1], self.file)
        }
        // The exact spelling decides when a group and a subscription differ in letter case alone.
        let exact = self.subscriptions.first { $0.displayName == text }
        if let group = try? self.groupPath(text, self.file), exact == nil || group.name == text { return group }
        return try self.subscription(text)
    }

    private func subscription(_ name: String?) throws(Problem) -> ResourcePath {
        if let name {
            guard let match = self.subscriptionsByName[name.lowercased()] else {
                throw Problem(
                    "ApplyFile",
                    shown: "There is no subscription or resource group '\(PrintableText.of(name))'."
                )
            }
            return match
        }
        guard let only = self.subscriptions.first, self.subscriptions.count == 1 else {
            throw Problem("ApplyFile", shown: "Say which subscription: there is not exactly one.")
        }
        return only.path
    }

    // A group that the same file makes lies where the file says; another one where it is.
    private func groupPath(_ name: String, _ file: ApplyFile? = nil) throws(Problem) -> ResourcePath {
        if file != nil, let entry = self.groupEntries[name.lowercased()] {
            return try self.subscription(entry.subscription).appending("resourceGroups", entry.name)
        }
        guard let path = self.groups[name.lowercased()] else {
            throw Problem("ApplyFile", shown: "There is no resource group '\(PrintableText.of(name))'.")
        }
        return path
    }

    private func resource(_ group: String, _ type: String, _ name: String, _ file: ApplyFile? = nil) throws(Problem)
        -> ResourcePath
    {
        let parts = type.split(separator: "/").map(String.init)
        return try self.groupPath(group, file).appending("providers", parts[0], parts[1], name)
    }

    private func location(_ group: String) -> JSONValue {
        let entry = self.groupEntries[group.lowercased()]
        let kept = self.groups[group.lowercased()].flatMap { self.resources.resource($0)?.location }
        return .string(entry?.location ?? kept ?? "local")
    }

    private func network(_ entry: ApplyFile.NetworkEntry, _ file: ApplyFile) throws(Problem) -> Step {
        let body: JSONValue = [
            "location": self.location(entry.resourceGroup),
            "properties": [
                "addressSpace": ["addressPrefixes": .array(entry.addressPrefixes.map { .string($0) })],
                "subnets": .array(
                    entry.subnets.map {
                        ["name": .string($0.name), "properties": ["addressPrefix": .string($0.addressPrefix)]]
                    }
                ),
            ],
        ]
        let path = try self.resource(entry.resourceGroup, "Microsoft.Network/virtualNetworks", entry.name, file)
        return .put(path, body, what: "virtual network \(entry.name)")
    }

    private func peerings(_ entry: ApplyFile.NetworkEntry, _ file: ApplyFile) throws(Problem) -> [Step] {
        var steps: [Step] = []
        let from = try self.resource(entry.resourceGroup, "Microsoft.Network/virtualNetworks", entry.name, file)
        for peering in entry.peerings {
            let parts = peering.split(separator: "/").map(String.init)
            let group = parts.count == 2 ? parts[0] : entry.resourceGroup
            let to = try self.resource(group, "Microsoft.Network/virtualNetworks", parts.last ?? peering, file)
            let body: JSONValue = [
                "properties": [
                    "remoteVirtualNetwork": ["id": .string(to.description)], "allowVirtualNetworkAccess": true,
                ]
            ]
            let path = from.appending("virtualNetworkPeerings", "to-\(to.name)")
            steps.append(.put(path, body, what: "peering \(entry.name) to \(to.name)"))
        }
        return steps
    }

    private func networkPath(_ name: String, group: String, _ file: ApplyFile) throws(Problem) -> ResourcePath {
        let entry = self.networkEntries[name.lowercased()]
        return try self.resource(entry?.resourceGroup ?? group, "Microsoft.Network/virtualNetworks", name, file)
    }

    private func bastion(_ entry: ApplyFile.BastionEntry, _ file: ApplyFile) throws(Problem) -> [Step] {
        let location = self.location(entry.resourceGroup)
        let network = try self.networkPath(entry.network, group: entry.resourceGroup, file)
        var properties: JSONValue = [:]
        for (flag, value) in entry.flags where value { properties[flag] = .bool(value) }
        var steps: [Step] = []
        if entry.sku == "Developer" {
            properties["virtualNetwork"] = ["id": .string(network.description)]
        } else {
            let address = try self.resource(
                entry.resourceGroup,
                "Microsoft.Network/publicIPAddresses",
                entry.name + "-ip",
                file
            )
            steps.append(
                .put(
                    address,
                    [
                        "location": location, "sku": ["name": "Standard"],
                        "properties": ["publicIPAllocationMethod": "Static"],
                    ],
                    what: "public address \(address.name)"
                )
            )
            let subnet = network.appending("subnets", "AzureBastionSubnet")
            properties["ipConfigurations"] = [
                [
                    "name": "bastion_ip_config",
                    "properties": [
                        "subnet": ["id": .string(subnet.description)],
                        "publicIPAddress": ["id": .string(address.description)],
                    ],
                ]
            ]
        }
        let path = try self.resource(entry.resourceGroup, "Microsoft.Network/bastionHosts", entry.name, file)
        let body: JSONValue = ["location": location, "sku": ["name": .string(entry.sku)], "properties": properties]
        steps.append(.put(path, body, what: "bastion host \(entry.name)"))
        return steps
    }

    private func machine(_ entry: ApplyFile.MachineEntry, _ file: ApplyFile) throws(Problem) -> [Step] {
        let path = try self.resource(entry.resourceGroup, "Microsoft.Compute/virtualMachines", entry.name, file)
        if entry.removed { return [.delete(path, what: "virtual machine \(entry.name)")] }
        let location = self.location(entry.resourceGroup)
        let network = try self.networkPath(entry.network, group: entry.resourceGroup, file)
        let interface = try self.resource(
            entry.resourceGroup,
            "Microsoft.Network/networkInterfaces",
            entry.name + "VMNic",
            file
        )
        let subnet = network.appending("subnets", entry.subnet)
        let interfaceBody: JSONValue = [
            "location": location,
            "properties": [
                "ipConfigurations": [
                    [
                        "name": .string("ipconfig" + entry.name),
                        "properties": [
                            "privateIPAllocationMethod": "Static", "privateIPAddress": .string(entry.privateAddress),
                            "subnet": ["id": .string(subnet.description)],
                        ],
                    ]
                ]
            ],
        ]
        let body: JSONValue = [
            "location": location,
            "identity": entry.hasIdentity ? ["type": "SystemAssigned"] : ["type": "None"],
            "properties": [
                "hardwareProfile": ["vmSize": "Standard_D2s_v5"],
                "storageProfile": ["osDisk": ["osType": .string(entry.osType), "createOption": "Attach"]],
                "osProfile": ["computerName": .string(entry.hostName), "adminUsername": .string(entry.adminUsername)],
                "networkProfile": ["networkInterfaces": [["id": .string(interface.description)]]],
            ],
        ]
        var steps: [Step] = [
            .put(interface, interfaceBody, what: "network interface \(interface.name)"),
            .put(path, body, what: "virtual machine \(entry.name)"),
        ]
        if entry.entraLogin {
            let type = entry.osType == "Windows" ? "AADLoginForWindows" : "AADSSHLoginForLinux"
            // Stays in creation until the machine has joined.
            steps.append(
                .put(
                    path.appending("extensions", type),
                    [
                        "location": location,
                        "properties": [
                            "publisher": "Microsoft.Azure.ActiveDirectory", "type": .string(type),
                            "typeHandlerVersion": "1.0", "autoUpgradeMinorVersion": true,
                        ],
                    ],
                    what: "extension \(type) on \(entry.name)"
                )
            )
        }
        return steps
    }
}

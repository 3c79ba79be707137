import Fabric
import Vocabulary

extension Plan {
    /// Checks a scale set's model and plans the machines that are missing.
    mutating func prepare(scaleSet set: inout Resource, previous: Resource?) throws(Problem) {
        if let previous, previous.isBusy {
            guard self.author.isSystem else { throw .busy(previous) }
            set.provisioningState = previous.provisioningState
            return
        }
        if set.properties["uniqueId"] == nil {
            set.properties["uniqueId"] = .string(GUID(from: self.random).description)
        }
        set.properties["timeCreated"] = .string(set.createdAt.description)
        for installed in set.modelExtensions {
            let properties = installed["properties"]
            let publisher = properties?["publisher"]?.string ?? ""
            let type = properties?["type"]?.string ?? ""
            let handler = ExtensionHandler(publisher: publisher, type: type)
            guard handler != .accessForLinux else {
                throw Problem(
                    "OperationNotAllowed",
                    shown:
                        "Local accounts are changed on one machine at a time, not in the model of a scale set: there is "
                        + "nowhere to keep their passwords. Use 'az vmss run-command invoke' on its instances."
                )
            }
            guard handler != nil else {
                throw Problem(
                    "ArtifactNotFound",
                    shown: "The handler for VM extension type '\(PrintableText.of(type))' of publisher "
                        + "'\(PrintableText.of(publisher))' is not offered."
                )
            }
        }
        if let previous, previous.scaleSetImage != nil,
            previous.scaleSetImage?.urn.lowercased() != set.scaleSetImage?.urn.lowercased()
        {
            throw Problem(
                "PropertyChangeNotAllowed",
                shown: "Changing property 'imageReference' is not allowed: make a new scale set from the other image."
            )
        }
        try self.checkSize(of: set)
        let machines = self.children(of: set.path, type: ResourceKind.scaleSetInstanceType)
        var numbers = machines.compactMap { Int($0.name) }.max().map { $0 + 1 } ?? 0
        for _ in machines.count..<max(machines.count, set.capacity) {
            try self.addMachine(number: numbers, to: &set)
            numbers += 1
        }
        let isSame =
            previous.map { $0.modelDigest == set.modelDigest && $0.capacity == set.capacity && !$0.hasFailed } ?? false
        if !isSame { set.provisioningState = previous == nil ? "Creating" : "Updating" }
    }

    private func checkSize(of set: Resource) throws(Problem) {
        guard MachineSize(named: set.sku?["name"]?.string) != nil else {
            throw Problem("InvalidParameter", shown: "The value of parameter 'sku.name' is invalid: it is no size.")
        }
        let networks = set.model["networkProfile"]?["networkInterfaceConfigurations"]?.array ?? []
        guard !networks.isEmpty else {
            throw .invalidContent(
                "properties.virtualMachineProfile.networkProfile.networkInterfaceConfigurations",
                "names one interface or more"
            )
        }
        for configuration in networks.flatMap({ $0["properties"]?["ipConfigurations"]?.array ?? [] })
        where configuration["properties"]?.member("publicIPAddressConfiguration")?.object != nil {
            throw Problem(
                "OperationNotAllowed",
                shown: "Machines of scale sets get no public addresses of their own here: leave "
                    + "publicIPAddressConfiguration (--public-ip-per-vm) out and go through a bastion host."
            )
        }
    }

    /// Plans one more machine with its interfaces and disk.
    private mutating func addMachine(number: Int, to set: inout Resource) throws(Problem) {
        let path = set.path.appending("virtualMachines", "\(number)")
        var machine = Resource(
            path: path,
            type: ResourceKind.scaleSetInstanceType,
            createdAt: self.now,
            changedAt: self.now
        )
        machine.location = set.location
        machine.tags = set.tags
        machine.sku = set.sku.map { ["name": $0["name"] ?? "", "tier": $0["tier"] ?? ""] }
        var links: [JSONValue] = []
        var network: ResourcePath?
        for (place, model) in (set.model["networkProfile"]?["networkInterfaceConfigurations"]?.array ?? []).enumerated()
        {
            let name = model["name"]?.string ?? "nic\(place)"
            let body: JSONValue = [
                "location": .string(set.location ?? ""),
                "properties": Self.interface(after: model["properties"] ?? [:]),
            ]
            // The machine itself is stored afterwards, when it can name its interfaces.
            self.store(machine, as: "scaleSet.addMachine")
            let made = try self.put(path.appending("networkInterfaces", name), body: body, isAuthorized: true).resource
            network = network ?? made.ipConfigurations.first?.network
            links.append(["id": .string(made.path.description), "properties": ["primary": .bool(place == 0)]])
        }
        machine.properties = set.model
        for name in ["networkProfile", "extensionProfile", "userData"] { machine.properties[name] = nil }
        machine.properties["networkProfile"] = ["networkInterfaces": .array(links)]
        machine.properties["hardwareProfile"] = ["vmSize": set.sku?["name"] ?? ""]
        machine.properties["osProfile"]?["computerNamePrefix"] = nil
        let prefix = set.model["osProfile"]?["computerNamePrefix"]?.string ?? set.name
        machine.properties["osProfile"]?["computerName"] = .string(Self.computerName(prefix, number))
        try self.prepare(&machine, previous: nil, in: network)
        if let making = machine.making, set.making == nil {
            set.making = Making(image: making.image, title: making.title, substitutes: making.substitutes)
        }
        machine.making?.needsSecrets = set.making?.needsSecrets == true
        if machine.making == nil { machine.properties["appliedModel"] = .string(set.modelDigest) }
        self.store(machine, as: "scaleSet.addMachine")
    }

    // `prefix000003`: six digits in base 36, as Azure names them.
    private static func computerName(_ prefix: String, _ number: Int) -> String {
        let digits = String(number, radix: 36).uppercased()
        return prefix + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    private static func interface(after model: JSONValue) -> JSONValue {
        var properties: JSONValue = [:]
        properties["networkSecurityGroup"] = model["networkSecurityGroup"]
        properties["enableAcceleratedNetworking"] = model["enableAcceleratedNetworking"]
        let configurations = (model["ipConfigurations"]?.array ?? []).map { configuration -> JSONValue in
            var own: JSONValue = ["primary": configuration["properties"]?["primary"] ?? false]
            own["subnet"] = configuration["properties"]?["subnet"]
            return ["name": configuration["name"] ?? "ipconfig", "properties": own]
        }
        properties["ipConfigurations"] = .array(configurations)
        return properties
    }

    /// A set whose machine is deleted by itself wants one less from then on.
    mutating func shrink(after machine: Resource) {
        guard var set = machine.path.parent.flatMap({ self[$0] }) else { return }
        let left = self.children(of: set.path, type: ResourceKind.scaleSetInstanceType)
            .count { $0.path != machine.path }
        guard left < set.capacity else { return }
        set.sku?["capacity"] = .integer(Int64(left))
        self.store(set, as: "scaleSet.shrink")
    }
}

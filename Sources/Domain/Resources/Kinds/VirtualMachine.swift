import Fabric
import Vocabulary

extension ResourceKind {
    /// Virtual machines: made by the fabric from an image, declared, or joined by hand. Source: Azure virtual machines REST.
    static let virtualMachine: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Compute/virtualMachines",
            properties: Member.ofMachines.merging([
                "networkProfile": Member(
                    .object(["networkInterfaces": Member(.list(.reference(.interfaceOfMachine)), .required)]),
                    .required
                ),
                "availabilitySet": Member(
                    .reference(ReferenceRule(ResourceKind.availabilitySet.type, action: nil))
                ),
                "virtualMachineScaleSet": Member(
                    .reference(ReferenceRule(ResourceKind.scaleSetType, action: nil))
                ),
            ]) { $1 }
        )
        kind.patching = .everything
        kind.takesIdentity = true
        kind.takesTime = true
        kind.names = NameRule(longest: 64, extra: "-_.")
        kind.actions = KindAction.ofMachines
        kind.claims = { machine in
            (machine.interfaces + machine.diskPaths + machine.dataDisks.compactMap(\.path)).map { Claim.use(of: $0) }
        }
        kind.inspect = { body, machine, previous throws(Problem) in
            guard let image = machine.imageReference, machine.osType == "Linux", !ImageCatalogue.isWindows(image) else {
                return
            }
            try AdministratorRules.check(body.member("properties"), isNew: previous == nil)
        }
        kind.isInstalled = { $0.making != nil }
        kind.carryOut = { resources, path in await resources.makeMachine(path) }
        kind.takesAlong = { machine, plan in machine.companions(in: plan) }
        kind.complete = { machine, previous, plan throws(Problem) in
            let interfaces = machine.interfaces
            guard !interfaces.isEmpty, Set(interfaces).count == interfaces.count else {
                throw .invalidContent(
                    "properties.networkProfile.networkInterfaces",
                    "names one interface or more, once each"
                )
            }
            let networks = Set(interfaces.compactMap { plan[$0]?.ipConfigurations.first?.network })
            guard networks.count <= 1 else {
                throw Problem(
                    "SubnetsNotInSameVnet",
                    shown: "The interfaces of '\(machine.name)' are not all in the same virtual network."
                )
            }
            // Clients leave the system to the image.
            if let image = machine.imageReference, ImageCatalogue.isWindows(image) {
                machine.properties["storageProfile"]?["osDisk"]?["osType"] = "Windows"
            }
            // The kind of security that every machine has is not worth a word: Azure does not show it either.
            if machine.properties["securityProfile"]?["securityType"]?.string?.lowercased() == "standard" {
                machine.properties["securityProfile"]?["securityType"] = nil
                if machine.properties["securityProfile"]?.object?.isEmpty == true {
                    machine.properties["securityProfile"] = nil
                }
            }
            if let previous, previous.osType != machine.osType {
                throw Problem("PropertyChangeNotAllowed", shown: "Changing property 'osDisk.osType' is not allowed.")
            }
            try plan.prepare(&machine, previous: previous, in: networks.first)
            try plan.putDataDisks(of: &machine)
        }
        kind.show = { document, machine, snapshot, settings in
            // Clients that need it ask for it: `$expand=userData`.
            document["properties"]?["userData"] = nil
            let type = ResourceKind.virtualMachineExtension.type
            let installed = snapshot.list(type: type, below: machine.path)
            guard !installed.isEmpty else { return }
            document["resources"] = .array(
                installed.map { one in
                    var shown = ResourceDocument.make(one, .virtualMachineExtension, snapshot, settings)
                    // Azure CLI 2.91 flattens `properties` into the resource and stops with a traceback when both have a `type`
                    // (its issue 31910). The id says the one; only the property says the other.
                    shown["type"] = nil
                    return shown
                }
            )
        }
        return kind
    }()
}

extension ReferenceRule {
    /// An interface in the profile of a machine.
    static let interfaceOfMachine = ReferenceRule(
        "Microsoft.Network/networkInterfaces",
        action: "join",
        keepsProperties: true
    )
}

extension Member {
    /// What every machine's body has, whether it stands alone or in a scale set.
    static let ofMachines: [String: Member] = [
        "hardwareProfile": Member(.object(["vmSize": Member(.text(64))])),
        "storageProfile": Member(.object(storageOfMachines), initial: ["osDisk": ["osType": "Linux"]]),
        "osProfile": Member(
            .object([
                "computerName": Member(.text(64)),
                "adminUsername": Member(.text(64)),
                // Never kept: the fabric is told once, and what is not there cannot leak.
                "adminPassword": Member(.anything, .writeOnly),
                "customData": Member(.anything, .writeOnly),
                "secrets": Member(.anything, .writeOnly),
            ])
        ),
        // Shown to those who ask for it, and to the machine itself.
        "userData": Member(.text(87_400)),
        "instanceView": Member(.anything, .readOnly),
        "vmId": Member(.text(36), .readOnly),
        "timeCreated": Member(.text(40), .readOnly),
    ]

    private static let storageOfMachines: [String: Member] = [
        "osDisk": Member(
            .object([
                "osType": Member(.word(["Linux", "Windows"]), initial: "Linux"),
                "name": Member(.text(80)),
                "createOption": Member(.word(["FromImage", "Attach", "Empty"])),
                "caching": Member(.word(["None", "ReadOnly", "ReadWrite"])),
                "diskSizeGB": Member(.number(1...4095)),
                "deleteOption": Member(.word(["Delete", "Detach"])),
                "managedDisk": Member(
                    .object(["id": Member(.identifier(ReferenceRule(ResourceKind.diskType, action: nil)))])
                ),
            ]),
            initial: ["osType": "Linux"]
        ),
        "dataDisks": Member(.list(.object(dataDisk))),
        "imageReference": Member(
            .object([
                "publisher": Member(.text(128)), "offer": Member(.text(128)), "sku": Member(.text(128)),
                "version": Member(.text(64)), "exactVersion": Member(.text(64), .readOnly),
            ])
        ),
    ]
}

extension Resource {
    /// The interfaces of a machine, the primary one first.
    var interfaces: [ResourcePath] {
        let all = self.properties["networkProfile"]?["networkInterfaces"]?.array ?? []
        let primary = all.filter { $0["properties"]?["primary"]?.bool == true }
        let others = all.filter { $0["properties"]?["primary"]?.bool != true }
        return (primary + others).compactMap { $0["id"]?.string.flatMap { ResourcePath($0) } }
    }

    /// `Linux` or `Windows`.
    var osType: String {
        if self.path.isOf(type: ResourceKind.arcMachineType) {
            return self.properties["osType"]?.string == "windows" ? "Windows" : "Linux"
        }
        return self.properties["storageProfile"]?["osDisk"]?["osType"]?.string ?? "Linux"
    }

    /// The disks of a machine.
    var diskPaths: [ResourcePath] {
        let id = self.properties["storageProfile"]?["osDisk"]?["managedDisk"]?["id"]
        return (id?.string.flatMap { ResourcePath($0) }).map { [$0] } ?? []
    }

    /// What goes with a machine because its body, or that of its interface, says `deleteOption: Delete`.
    func companions(in plan: Plan) -> [ResourcePath] {
        let links = self.properties["networkProfile"]?["networkInterfaces"]?.array ?? []
        let interfaces = links.filter { $0["properties"]?["deleteOption"]?.string?.lowercased() == "delete" }
            .compactMap { $0["id"]?.string.flatMap { ResourcePath($0) } }
        let addresses = interfaces.compactMap { plan[$0] }.flatMap { interface in
            (interface.properties["ipConfigurations"]?.array ?? [])
                .compactMap { $0["properties"]?["publicIPAddress"] }
                .filter { $0["properties"]?["deleteOption"]?.string?.lowercased() == "delete" }
                .compactMap { $0["id"]?.string.flatMap { ResourcePath($0) } }
        }
        let takesDisk =
            self.properties["storageProfile"]?["osDisk"]?["deleteOption"]?.string?.lowercased() == "delete"
        let data = self.dataDisks.filter(\.goesAlong).compactMap(\.path)
        return interfaces + addresses + (takesDisk ? self.diskPaths : []) + data
    }
}

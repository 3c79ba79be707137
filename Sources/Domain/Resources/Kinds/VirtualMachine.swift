import Vocabulary

extension ResourceKind {
    /// Virtual machines: any machine that was declared or has joined. Source: Azure virtual machines REST.
    static let virtualMachine: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Compute/virtualMachines",
            properties: [
                "hardwareProfile": Member(.object(["vmSize": Member(.text(64))])),
                "storageProfile": Member(
                    .object([
                        "osDisk": Member(
                            .object(["osType": Member(.word(["Linux", "Windows"]), initial: "Linux")]),
                            initial: ["osType": "Linux"]
                        )
                    ]),
                    initial: ["osDisk": ["osType": "Linux"]]
                ),
                "osProfile": Member(
                    .object([
                        "computerName": Member(.text(64)),
                        "adminUsername": Member(.text(64)),
                        // Never kept: there is nothing to do with them, and what is not there cannot leak.
                        "adminPassword": Member(.anything, .writeOnly),
                        "customData": Member(.anything, .writeOnly),
                        "secrets": Member(.anything, .writeOnly),
                    ])
                ),
                "networkProfile": Member(
                    .object([
                        "networkInterfaces": Member(
                            .list(
                                .reference(
                                    ReferenceRule(
                                        "Microsoft.Network/networkInterfaces",
                                        action: "join",
                                        keepsProperties: true
                                    )
                                )
                            ),
                            .required
                        )
                    ]),
                    .required
                ),
                "userData": Member(.anything, .writeOnly),
                "instanceView": Member(.anything, .readOnly),
                "vmId": Member(.text(36), .readOnly),
                "timeCreated": Member(.text(40), .readOnly),
            ]
        )
        kind.patching = .everything
        kind.takesIdentity = true
        kind.names = NameRule(longest: 64, extra: "-_.")
        kind.claims = { machine in machine.interfaces.map { Claim.use(of: $0) } }
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
            if let previous, previous.osType != machine.osType {
                throw Problem("PropertyChangeNotAllowed", shown: "Changing property 'osDisk.osType' is not allowed.")
            }
            if machine.properties["vmId"] == nil {
                machine.properties["vmId"] = .string(GUID(from: plan.random).description)
            }
            machine.properties["timeCreated"] = .string(machine.createdAt.description)
        }
        return kind
    }()
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
        self.properties["storageProfile"]?["osDisk"]?["osType"]?.string ?? "Linux"
    }
}

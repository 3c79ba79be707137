import Fabric
import Vocabulary

extension ResourceKind {
    static let scaleSetType = "Microsoft.Compute/virtualMachineScaleSets"
    static let scaleSetInstanceType = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"
    static let scaleSetInterfaceType = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces"
    static let scaleSetExtensionType = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/extensions"

    /// Scale sets: machines made after one model. Source: Azure virtual machine scale sets REST.
    static let scaleSet: ResourceKind = {
        var kind = ResourceKind(
            scaleSetType,
            properties: [
                "orchestrationMode": Member(.word(["Uniform", "Flexible"]), initial: "Uniform"),
                "upgradePolicy": Member(
                    .object(["mode": Member(.word(["Manual", "Automatic", "Rolling"]), initial: "Manual")]),
                    initial: ["mode": "Manual"]
                ),
                "virtualMachineProfile": Member(
                    .object(
                        Member.ofMachines.merging([
                            "extensionProfile": Member(.object(["extensions": Member(.named(Member.ofExtensions))])),
                            "networkProfile": Member(
                                .object([
                                    "networkInterfaceConfigurations": Member(
                                        .list(.object(["properties": Member(.object(["primary": Member(.flag)]))]))
                                    )
                                ])
                            ),
                        ]) { $1 }
                    ),
                    .required
                ),
                "overprovision": Member(.flag, initial: false),
                "singlePlacementGroup": Member(.flag, initial: true),
                "platformFaultDomainCount": Member(.number(1...5)),
                "uniqueId": Member(.text(36), .readOnly),
                "timeCreated": Member(.text(40), .readOnly),
            ],
            sku: [
                "name": Member(.text(64), initial: "Standard_D2s_v5"), "tier": Member(.text(32), initial: "Standard"),
                "capacity": Member(.number(0...1000), initial: 0),
            ]
        )
        kind.patching = .everything
        kind.takesIdentity = true
        kind.takesTime = true
        kind.makesMachines = true
        kind.names = NameRule(longest: 64, extra: "-_.")
        kind.inUseCode = "OperationNotAllowed"
        kind.isInstalled = { _ in true }
        kind.carryOut = { resources, path in await resources.settleScaleSet(path) }
        kind.actions = KindAction.ofScaleSets
        kind.inspect = { body, set, previous throws(Problem) in
            let profile = body.member("properties")?.member("virtualMachineProfile")
            guard set.scaleSetImage != nil else { return }
            try AdministratorRules.check(profile, isNew: previous == nil)
        }
        kind.keepsTags = true
        // `az vmss scale` sends a size alone, `az vmss extension set` a model without its image; Azure takes both as changes.
        kind.fill = { sent, previous in
            for (name, value) in previous.properties.object ?? [:] where (sent.member(name) ?? .null).isNull {
                sent[name] = value
            }
            let image = sent["virtualMachineProfile"]?["storageProfile"]?["imageReference"] ?? .null
            if image.isNull, sent["virtualMachineProfile"]?["storageProfile"] != nil {
                sent["virtualMachineProfile"]?["storageProfile"]?["imageReference"] =
                    previous.model["storageProfile"]?["imageReference"]
            }
        }
        kind.complete = { set, previous, plan throws(Problem) in
            try plan.prepare(scaleSet: &set, previous: previous)
        }
        kind.show = { document, set, snapshot, settings in
            document["properties"]?["virtualMachineProfile"]?["userData"] = nil
            for (place, _) in set.modelExtensions.enumerated() {
                guard
                    var list = document["properties"]?["virtualMachineProfile"]?["extensionProfile"]?["extensions"]?
                        .array
                else { break }
                list[place]["properties"]?["provisioningState"] = "Succeeded"
                document["properties"]?["virtualMachineProfile"]?["extensionProfile"]?["extensions"] = .array(list)
            }
        }
        return kind
    }()

    /// The machines of a scale set: they follow its model when they are told to.
    static let scaleSetInstance: ResourceKind = {
        var kind = ResourceKind(
            scaleSetInstanceType,
            properties: Member.ofMachines.merging([
                "networkProfile": Member(
                    .object([
                        "networkInterfaces": Member(
                            .list(
                                .reference(
                                    ReferenceRule(scaleSetInterfaceType, action: nil, keepsProperties: true)
                                )
                            )
                        )
                    ])
                ),
                "appliedModel": Member(.text(32), .readOnly),
            ]) { $1 }
        )
        kind.takesTime = true
        kind.isInstalled = { $0.making != nil }
        kind.carryOut = { resources, path in await resources.makeMachine(path) }
        kind.actions = KindAction.ofMachines
        kind.claims = { machine in machine.diskPaths.map { Claim.use(of: $0) } }
        kind.takesAlong = { machine, plan in machine.companions(in: plan) }
        kind.complete = { machine, _, _ throws(Problem) in
            throw Problem(
                "OperationNotAllowed",
                shown:
                    "'\(machine.path.parent?.name ?? "")_\(machine.name)' follows the model of its scale set: change that, "
                    + "then 'az vmss update-instances'."
            )
        }
        kind.mayRemove = { machine, plan throws(Problem) in plan.shrink(after: machine) }
        kind.show = { document, machine, snapshot, _ in
            guard let set = machine.path.parent.flatMap({ snapshot[$0] }) else { return }
            document["name"] = .string("\(set.name)_\(machine.name)")
            document["instanceId"] = .string(machine.name)
            document["properties"]?["appliedModel"] = nil
            document["properties"]?["userData"] = nil
            document["properties"]?["latestModelApplied"] = .bool(machine.appliedModel == set.modelDigest)
            document["properties"]?["modelDefinitionApplied"] = "VirtualMachineScaleSet"
        }
        return kind
    }()

    /// The places of such a machine on its networks.
    static let scaleSetInterface = ResourceKind.networkInterface.called(scaleSetInterfaceType)

    /// What is installed on such a machine.
    static let scaleSetExtension = ResourceKind.virtualMachineExtension.called(scaleSetExtensionType)
}

extension Member {
    fileprivate static let ofExtensions: [String: Member] = [
        "publisher": Member(.text(128), .required),
        "type": Member(.text(128), .required),
        "typeHandlerVersion": Member(.text(32), initial: "1.0"),
        "autoUpgradeMinorVersion": Member(.flag, initial: true),
        "settings": Member(.object([:])),
        "protectedSettings": Member(.anything, .writeOnly),
        "protectedSettingsFromKeyVault": Member(.anything, .writeOnly),
        "provisioningState": Member(.anything, .readOnly),
    ]
}

extension Resource {
    /// What the machines of a scale set are made after.
    var model: JSONValue { self.properties["virtualMachineProfile"] ?? [:] }

    /// The image in the model.
    var scaleSetImage: ImageReference? {
        var twin = self
        twin.properties = self.model
        return twin.imageReference
    }

    /// A short text that changes whenever the model or the size does.
    var modelDigest: String {
        let text = self.model.bytes + Array((self.sku?["name"]?.string ?? "").utf8)
        // FNV-1a: it tells versions of one model apart, nothing depends on it that anybody could gain from.
        let hash = text.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }

    /// The version of the model that a machine was made after or brought to.
    var appliedModel: String? { self.properties["appliedModel"]?.string }

    /// The extensions in the model.
    var modelExtensions: [JSONValue] { self.model["extensionProfile"]?["extensions"]?.array ?? [] }

    /// How many machines a set shall have.
    var capacity: Int { Int(self.sku?["capacity"]?.integer ?? 0) }
}

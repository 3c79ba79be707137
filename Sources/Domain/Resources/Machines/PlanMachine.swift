import Fabric
import Vocabulary

extension Plan {
    /// Completes a machine's body, and decides whether the fabric is to make or change it.
    mutating func prepare(_ machine: inout Resource, previous: Resource?, in network: ResourcePath?) throws(Problem) {
        if machine.properties["vmId"] == nil {
            machine.properties["vmId"] = .string(GUID(from: self.random).description)
        }
        machine.properties["timeCreated"] = .string(machine.createdAt.description)
        if let previous {
            if previous.isBusy, previous.making != nil {
                guard self.author.isSystem else { throw .busy(previous) }
                machine.provisioningState = previous.provisioningState
                machine.failure = previous.failure
                return
            }
            guard machine.making != nil else { return }
            Self.carryOver(from: previous, to: &machine)
            try Self.checkUnchanged(machine, previous)
            let isSettled = previous.provisioningState == "Succeeded"
            let isSame = Self.frame(of: previous) == Self.frame(of: machine)
            guard !isSettled || !isSame else { return }
            machine.provisioningState = previous.making?.isMade == true ? "Updating" : "Creating"
            return
        }
        try self.order(&machine, in: network)
    }

    /// Whether the fabric makes machines in a network: not in one that the operator says exists already.
    private func isMade(in network: ResourcePath?) -> Bool {
        guard let network, !self.fabric.images.isEmpty else { return false }
        return !self.settings.isDeclared(self[network]?.path ?? network)
    }

    private mutating func order(_ machine: inout Resource, in network: ResourcePath?) throws(Problem) {
        guard let reference = machine.imageReference, self.isMade(in: network) else { return }
        guard machine.osType == "Linux" else {
            throw Problem(
                "ImageNotSupported",
                shown:
                    "'\(reference.urn)' is a Windows image, and this installation makes Linux machines only. Declare a "
                    + "Windows machine that exists already, and let it join."
            )
        }
        guard let image = self.fabric.image(for: reference) else {
            throw Problem(
                "PlatformImageNotFound",
                shown:
                    "The platform image '\(PrintableText.of(reference.urn))' is not available here. Ask for the list "
                    + "with 'az vm image list'."
            )
        }
        try Self.checkOrdered(machine)
        let sent = machine.properties["storageProfile"]?["imageReference"]
        machine.making = Making(
            image: image.id,
            title: image.title,
            substitutes: image.substitutes == nil ? nil : reference.urn
        )
        machine.properties["storageProfile"]?["imageReference"]?["exactVersion"] =
            .string(ImageCatalogue.exactVersion(of: image.reference))
        Self.completeOrdered(&machine)
        try self.putDisk(of: &machine, sent)
        machine.provisioningState = "Creating"
    }

    // What can be asked of a machine that the fabric makes.
    private static func checkOrdered(_ machine: Resource) throws(Problem) {
        let asked = machine.properties["hardwareProfile"]?["vmSize"]?.string
        guard asked == nil || MachineSize(named: asked) != nil else {
            throw Problem(
                "InvalidParameter",
                shown:
                    "The value '\(PrintableText.of(asked ?? ""))' of parameter 'vmSize' is invalid: it is no size of a "
                    + "virtual machine."
            )
        }
        let option = machine.properties["storageProfile"]?["osDisk"]?["createOption"]?.string
        guard option == nil || option == "FromImage" else {
            throw Problem(
                "FeatureNotSupported",
                shown: "Machines here start from an image: leave out a disk that exists already as the system's own."
            )
        }
        let isAlone = machine.path.isOf(type: ResourceKind.virtualMachine.type)
        guard isAlone || machine.dataDisks.isEmpty else {
            throw Problem(
                "FeatureNotSupported",
                shown: "Machines of scale sets have the one disk that is made from their image: leave out data disks."
            )
        }
    }

    // What Azure fills in where nothing was sent.
    private static func completeOrdered(_ machine: inout Resource) {
        if machine.properties["hardwareProfile"] == nil {
            machine.properties["hardwareProfile"] = ["vmSize": .string(MachineSize.initial.name)]
        }
        if machine.properties["osProfile"]?["computerName"] == nil {
            let name = machine.name
            machine.properties["osProfile"]?["computerName"] = .string(name)
        }
        for (name, value) in ["allowExtensionOperations": true, "requireGuestProvisionSignal": true]
        where machine.properties["osProfile"]?[name] == nil {
            machine.properties["osProfile"]?[name] = .bool(value)
        }
        if machine.properties["osProfile"]?["linuxConfiguration"]?.object != nil,
            machine.properties["osProfile"]?["linuxConfiguration"]?["provisionVMAgent"] == nil
        {
            machine.properties["osProfile"]?["linuxConfiguration"]?["provisionVMAgent"] = true
        }
    }

    /// What an order for a machine follows from: a change of anything else concerns the fabric not.
    private static func frame(of machine: Resource) -> [JSONValue?] {
        var frame = machine.properties
        // Data disks are kept in the books only.
        frame["storageProfile"]?["dataDisks"] = nil
        return ["hardwareProfile", "networkProfile", "osProfile", "storageProfile"].map { frame[$0] }
    }

    /// What the server decided when the machine was ordered stays when a later body leaves it out.
    private static func carryOver(from previous: Resource, to machine: inout Resource) {
        let decided = [
            "hardwareProfile": ["vmSize"],
            "osProfile": [
                "computerName", "adminUsername", "allowExtensionOperations", "requireGuestProvisionSignal",
                "linuxConfiguration",
            ],
            "storageProfile": ["osDisk", "imageReference"],
        ]
        for (profile, places) in decided {
            guard let before = previous.properties[profile] else { continue }
            var after = machine.properties[profile] ?? [:]
            for place in places {
                guard let old = before[place] else { continue }
                guard old.object != nil, let new = after[place] else {
                    after[place] = after[place] ?? old
                    continue
                }
                after[place] = old.merged(with: new)
            }
            machine.properties[profile] = after
        }
    }

    private static func checkUnchanged(_ machine: Resource, _ previous: Resource) throws(Problem) {
        let places = [
            ["osProfile", "adminUsername"], ["osProfile", "computerName"],
            ["storageProfile", "imageReference", "publisher"],
            ["storageProfile", "imageReference", "offer"], ["storageProfile", "imageReference", "sku"],
            ["storageProfile", "osDisk", "managedDisk", "id"],
        ]
        for place in places {
            let before = place.reduce(Optional(previous.properties)) { $0?[$1] }
            let after = place.reduce(Optional(machine.properties)) { $0?[$1] }
            guard before?.string?.lowercased() == after?.string?.lowercased() else {
                throw Problem(
                    "PropertyChangeNotAllowed",
                    shown: "Changing property '\(place.joined(separator: "."))' is not allowed."
                )
            }
        }
    }
}

import Vocabulary

extension ResourceKind {
    static let diskType = "Microsoft.Compute/disks"
    /// What disks may be called to be made of; all are the same here.
    static let diskKinds = [
        "Premium_LRS", "Standard_LRS", "StandardSSD_LRS", "PremiumV2_LRS", "UltraSSD_LRS", "Premium_ZRS",
        "StandardSSD_ZRS",
    ]

    private static func checkDisk(_ disk: Resource, _ previous: Resource?) throws(Problem) {
        let option = disk.properties["creationData"]?["createOption"]?.string ?? "Empty"
        let size = disk.properties["diskSizeGB"]?.integer
        guard previous != nil || ["Empty", "FromImage"].contains(option) else {
            throw Problem(
                "FeatureNotSupported",
                shown:
                    "Disks are made empty (--size-gb) or together with a machine: there is nothing to copy or import from "
                    + "here. Copy the files over SSH."
            )
        }
        guard size != nil || option == "FromImage" else {
            throw Problem("InvalidParameter", shown: "Required parameter 'disk.diskSizeGB' is missing (null).")
        }
        guard let previous, let before = previous.properties["diskSizeGB"]?.integer, before != size else { return }
        guard option == "Empty", let size, size > before else {
            throw Problem(
                "OperationNotAllowed",
                shown: option == "Empty"
                    ? "Disk '\(disk.name)' of \(before) GB cannot be made smaller."
                    : "The size of '\(disk.name)' cannot change: a machine here uses what the host has."
            )
        }
    }

    /// Disks: of the machines that were made here, and empty ones that machines can be given. Source: Azure disks REST.
    static let disk: ResourceKind = {
        var kind = ResourceKind(
            diskType,
            properties: [
                "osType": Member(.word(["Linux", "Windows"])),
                "creationData": Member(
                    .object([
                        "createOption": Member(.word(["Empty", "FromImage", "Attach", "Copy", "Import", "Upload"]))
                    ]),
                    initial: ["createOption": "Empty"]
                ),
                "diskSizeGB": Member(.number(1...32_767)),
                "hyperVGeneration": Member(.word(["V1", "V2"])),
                "diskSizeBytes": Member(.number(0...Int64.max), .readOnly),
                "diskState": Member(.text(32), .readOnly),
                "timeCreated": Member(.text(40), .readOnly),
                "uniqueId": Member(.text(36), .readOnly),
            ],
            sku: ["name": Member(.word(diskKinds), initial: "Premium_LRS"), "tier": Member(.text(32), .readOnly)]
        )
        kind.patching = .everything
        kind.inUseCode = "OperationNotAllowed"
        kind.complete = { disk, previous, plan throws(Problem) in
            try ResourceKind.checkDisk(disk, previous)
            if let kind = disk.sku?["name"]?.string {
                disk.sku?["tier"] = .string(String(kind.prefix { $0 != "_" }))
            }
            let size = disk.properties["diskSizeGB"]?.integer ?? 0
            disk.properties["diskSizeBytes"] = .integer(size << 30)
            if disk.properties["uniqueId"] == nil {
                disk.properties["uniqueId"] = .string(GUID(from: plan.random).description)
            }
            disk.properties["timeCreated"] = .string(disk.createdAt.description)
        }
        kind.show = { document, disk, snapshot, _ in
            let owner = snapshot.referrers(of: disk.path).compactMap { snapshot[key: $0] }
                .first { $0.isMachine }
            document["managedBy"] = owner.map { .string($0.path.description) }
            let isReserved = owner?.making?.power == .deallocated
            document["properties"]?["diskState"] =
                owner == nil ? "Unattached" : isReserved ? "Reserved" : "Attached"
        }
        return kind
    }()
}

extension Plan {
    /// Makes the disk of a machine that is to be made, and names it in the machine.
    mutating func putDisk(of machine: inout Resource, _ reference: JSONValue?) throws(Problem) {
        let profile = machine.properties["storageProfile"]?["osDisk"]
        guard profile?["managedDisk"]?["id"] == nil, let group = machine.path.groupPath else { return }
        let own = GUID(from: self.random).description.filter { $0 != "-" }
        let sent = profile?["name"]?.string
        let base =
            machine.path.isOf(type: ResourceKind.virtualMachine.type)
            ? machine.name : "\(machine.path.parent?.name ?? "")_\(machine.name)"
        let name = sent ?? "\(base.prefix(40))_OsDisk_1_\(own)"
        let path = group.appending("providers", "Microsoft.Compute", "disks", name)
        guard self[path] == nil else {
            throw Problem("Conflict", shown: "The disk '\(name)' already exists in resource group '\(group.name)'.")
        }
        let kind = profile?["managedDisk"]?["storageAccountType"] ?? "Premium_LRS"
        let size = profile?["diskSizeGB"] ?? 30
        var source: JSONValue = ["createOption": "FromImage"]
        source["imageReference"] = machine.catalogueID(of: reference).map { ["id": .string($0)] }
        _ = try self.put(
            path,
            body: [
                "location": .string(machine.location ?? ""), "sku": ["name": kind],
                "properties": [
                    "osType": .string(machine.osType), "hyperVGeneration": "V2", "diskSizeGB": size,
                    "creationData": source,
                ],
            ],
            isAuthorized: true
        )
        var disk = profile ?? [:]
        disk["name"] = .string(name)
        disk["diskSizeGB"] = size
        // The machine's files are its disk: nothing is left of it when the machine goes.
        disk["deleteOption"] = "Delete"
        disk["managedDisk"] = ["id": .string(path.description), "storageAccountType": kind]
        machine.properties["storageProfile"]?["osDisk"] = disk
    }
}

extension Resource {
    /// An image as disks name it: by the address that its version has in the catalogue of the region.
    fileprivate func catalogueID(of reference: JSONValue?) -> String? {
        guard let subscription = self.path.subscription, let publisher = reference?["publisher"]?.string,
            let offer = reference?["offer"]?.string, let sku = reference?["sku"]?.string
        else { return nil }
        let version = reference?["version"]?.string ?? "latest"
        return "/Subscriptions/\(subscription)/Providers/Microsoft.Compute/Locations/\(self.location ?? "local")"
            + "/Publishers/\(publisher)/ArtifactTypes/VMImage/Offers/\(offer)/Skus/\(sku)/Versions/\(version)"
    }
}

extension ResourcePath {
    /// The resource group that the path lies in.
    var groupPath: ResourcePath? {
        guard let subscription = self.subscription, let group = self.resourceGroup else { return nil }
        return ResourcePath("/subscriptions/\(subscription)/resourceGroups/\(group)")
    }
}

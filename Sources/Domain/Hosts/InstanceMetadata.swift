import Resources
public import Vocabulary

/// What the metadata service on a machine says about it. Source: Azure Instance Metadata Service for virtual machines.
enum InstanceMetadata {
    /// The `compute` document, from what was declared; the agent adds keys that are empty and leaves out those newer than the version asked for.
    static func compute(_ machine: Resource) -> JSONValue {
        let path = machine.path
        let properties = machine.properties
        let tags = machine.tags.sorted { $0.key < $1.key }
        let image = properties["storageProfile"]?["imageReference"]
        let login = properties["osProfile"]
        let linux = login?["linuxConfiguration"]
        var compute: [String: JSONValue] = [
            "azEnvironment": "AzurePublicCloud",
            "location": .string(machine.location ?? ""),
            "name": .string(machine.name),
            "osType": .string(properties["storageProfile"]?["osDisk"]?["osType"]?.string ?? "Linux"),
            "provider": .string(String(machine.type.prefix { $0 != "/" })),
            "resourceGroupName": .string(path.resourceGroup ?? ""),
            "resourceId": .string(path.description),
            "subscriptionId": .string(path.subscription?.description ?? ""),
            "tags": .string(tags.map { "\($0.key):\($0.value)" }.joined(separator: ";")),
            "tagsList": .array(tags.map { ["name": .string($0.key), "value": .string($0.value)] }),
            "vmId": Self.text(properties["vmId"]),
            "vmSize": Self.text(properties["hardwareProfile"]?["vmSize"]),
            "priority": Self.text(properties["priority"]),
            "evictionPolicy": Self.text(properties["evictionPolicy"]),
            "licenseType": Self.text(properties["licenseType"]),
            "userData": Self.text(properties["userData"]),
            "zone": Self.text(machine.zones?.array?.first),
            "vmScaleSetName": .string(Self.lastName(properties["virtualMachineScaleSet"]?["id"])),
            "virtualMachineScaleSet": ["id": Self.text(properties["virtualMachineScaleSet"]?["id"])],
            "osProfile": [
                "adminUsername": Self.text(login?["adminUsername"]),
                "computerName": Self.text(login?["computerName"]),
                "disablePasswordAuthentication": linux?["disablePasswordAuthentication"] ?? .bool(true),
            ],
            "publicKeys": .array(
                (linux?["ssh"]?["publicKeys"]?.array ?? [])
                    .map { ["keyData": Self.text($0["keyData"]), "path": Self.text($0["path"])] }
            ),
            "plan": Self.members(["name", "product", "publisher"], of: properties["plan"]),
        ]
        for key in ["offer", "publisher", "sku", "version"] { compute[key] = Self.text(image?[key]) }
        compute["storageProfile"] = [
            "imageReference": Self.members(["id", "offer", "publisher", "sku", "version"], of: image),
            "osDisk": Self.disk(properties["storageProfile"]?["osDisk"]),
            "dataDisks": .array((properties["storageProfile"]?["dataDisks"]?.array ?? []).map { Self.disk($0) }),
            "resourceDisk": ["size": ""],
        ]
        return .object(compute)
    }

    /// The text of an attested document: what a third party may rely on about a machine. `nonce` is the caller's, or empty.
    ///
    /// Valid for six hours. Members came with versions: `subscriptionId` with 2019-04-30, `sku` with 2019-11-01, `licenseType` with 2020-12-01.
    static func attested(_ compute: JSONValue, nonce: String, version: String, at now: Instant) -> JSONValue {
        let time = Calendar(now)
        var members: [String: JSONValue] = [
            "nonce": .string(nonce.isEmpty ? time.compact : nonce),
            "plan": Self.members(["name", "product", "publisher"], of: compute["plan"]),
            "timeStamp": [
                "createdOn": .string(time.american), "expiresOn": .string(Calendar(now + .seconds(6 * 3600)).american),
            ],
            "vmId": Self.text(compute["vmId"]),
        ]
        if version >= "2019-04-30" { members["subscriptionId"] = Self.text(compute["subscriptionId"]) }
        if version >= "2019-11-01" { members["sku"] = Self.text(compute["sku"]) }
        if version >= "2020-12-01" { members["licenseType"] = Self.text(compute["licenseType"]) }
        return .object(members)
    }

    /// A UTC time in the two ways that attested documents write it.
    private struct Calendar {
        // "2026-01-31T23:59:58…" of the ISO form, in pieces.
        private let iso: [String]

        init(_ instant: Instant) {
            self.iso = instant.description.prefix(19).split { "-T:".contains($0) }.map(String.init)
        }

        var compact: String { "\(self.iso[0])\(self.iso[1])\(self.iso[2])-\(self.iso[3])\(self.iso[4])\(self.iso[5])" }

        var american: String {
            "\(self.iso[1])/\(self.iso[2])/\(self.iso[0].suffix(2)) \(self.iso[3]):\(self.iso[4]):\(self.iso[5]) -0000"
        }
    }

    private static func disk(_ disk: JSONValue?) -> JSONValue {
        guard let disk else { return [:] }
        let managed = disk["managedDisk"]
        return [
            "caching": Self.text(disk["caching"]),
            "createOption": Self.text(disk["createOption"]),
            "diskSizeGB": disk["diskSizeGB"] ?? "",
            "lun": disk["lun"] ?? "",
            "managedDisk": [
                "id": Self.text(managed?["id"]), "storageAccountType": Self.text(managed?["storageAccountType"]),
            ],
            "name": Self.text(disk["name"]),
            "osType": Self.text(disk["osType"]),
            "writeAcceleratorEnabled": disk["writeAcceleratorEnabled"] ?? .bool(false),
        ]
    }

    private static func members(_ keys: [String], of value: JSONValue?) -> JSONValue {
        .object(keys.reduce(into: [:]) { $0[$1] = Self.text(value?[$1]) })
    }

    private static func text(_ value: JSONValue?) -> JSONValue { .string(value?.string ?? "") }

    private static func lastName(_ value: JSONValue?) -> String {
        value?.string.flatMap { ResourcePath($0) }?.name ?? ""
    }
}

extension Hosts {
    /// The text of an attested document: what a third party may rely on about a machine, good for six hours. `nonce` is the caller's, or empty.
    public func attestedText(_ machine: Machine, nonce: String, version: String) -> JSONValue {
        InstanceMetadata.attested(machine.compute, nonce: nonce, version: version, at: self.clock.now)
    }
}

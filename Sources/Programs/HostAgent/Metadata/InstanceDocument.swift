import Vocabulary

/// The document of `/metadata/instance`: every leaf is a string, every known key is there, keys newer than the version asked for are not.
struct InstanceDocument: Sendable {
    /// A network interface as the document shows it.
    struct Interface: Hashable, Sendable {
        /// The hardware address without separators, in capitals.
        var hardwareAddress: String
        /// IPv4 addresses and prefix lengths.
        var addresses: [String]
        var subnets: [JSONValue]
        /// IPv6 addresses.
        var longAddresses: [String]
        /// The public addresses in the order of the private ones, empty where there is none.
        var publicAddresses: [String]

        init(_ interface: HostFacts.Interface, publicAddresses: [String: String] = [:]) {
            let text = HostFile.text("/sys/class/net/\(interface.name)/address") ?? ""
            self.hardwareAddress = text.trimmed.filter { $0 != ":" }.uppercased()
            self.addresses = interface.networks.map(\.address)
            self.publicAddresses = interface.networks.map { publicAddresses[$0.address] ?? "" }
            self.longAddresses = interface.addresses.filter { $0.contains(":" as Character) }
            self.subnets = interface.networks.map { network in
                [
                    "address": .string(Self.network(network.address, network.prefix)),
                    "prefix": .string(String(network.prefix)),
                ]
            }
        }

        private static func network(_ address: String, _ prefix: Int) -> String {
            let bytes = address.split(separator: "." as Character).compactMap { UInt32($0) }
            guard bytes.count == 4 else { return address }
            let value =
                bytes.reduce(0) { $0 << 8 | $1 } & (prefix == 0 ? 0 : UInt32.max << UInt32(32 - min(32, prefix)))
            return [24, 16, 8, 0].map { String(value >> $0 & 255) }.joined(separator: ".")
        }
    }

    let compute: JSONValue
    let interfaces: [Interface]

    /// The whole document for a version.
    func document(version: String) -> JSONValue {
        var compute = Self.stringified(Self.defaults.merging(self.compute.object ?? [:]) { $1 })
        for (key, since) in Self.introduced where version.prefix(10) < since {
            compute[key] = nil
        }
        return ["compute": compute, "network": ["interface": .array(self.interfaces.map(Self.network))]]
    }

    /// What a machine outside the cloud is told of itself: no hardware, no image.
    func connected(version: String) -> JSONValue {
        var document = self.document(version: version)
        let known = document["compute"]?.object?.filter { Self.connectedKeys.contains($0.key) }
        document["compute"] = .object(known ?? [:])
        return document
    }

    private static let connectedKeys: Set<String> = [
        "azEnvironment", "location", "name", "osType", "provider", "resourceGroupName", "resourceId", "subscriptionId",
        "tags", "tagsList", "vmId",
    ]

    private static func network(_ interface: Interface) -> JSONValue {
        [
            "ipv4": [
                "ipAddress": .array(
                    zip(interface.addresses, interface.publicAddresses).map {
                        ["privateIpAddress": .string($0), "publicIpAddress": .string($1)]
                    }
                ),
                "subnet": .array(interface.subnets),
            ],
            "ipv6": ["ipAddress": .array(interface.longAddresses.map { ["privateIpAddress": .string($0)] })],
            "macAddress": .string(interface.hardwareAddress),
        ]
    }

    private static func stringified(_ members: [String: JSONValue]) -> JSONValue {
        .object(members.mapValues(Self.stringified))
    }

    private static func stringified(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null: ""
        case .bool(let flag): .string(flag ? "true" : "false")
        case .integer(let number): .string(String(number))
        case .number(let number): .string(String(number))
        case .string: value
        case .array(let elements): .array(elements.map(Self.stringified))
        case .object(let members): .object(members.mapValues(Self.stringified))
        }
    }

    /// The keys of `compute`, so that each is there even when the server has nothing to say about it.
    private static let defaults: [String: JSONValue] = [
        "azEnvironment": "AzurePublicCloud", "additionalCapabilities": ["hibernationEnabled": "false"],
        "customData": "",
        "evictionPolicy": "", "extendedLocation": ["name": "", "type": ""], "host": ["id": ""], "hostGroup": ["id": ""],
        "isHostCompatibilityLayerVm": "false", "licenseType": "", "location": "", "name": "", "offer": "",
        "osProfile": ["adminUsername": "", "computerName": "", "disablePasswordAuthentication": "true"],
        "osType": "Linux", "placementGroupId": "", "plan": ["name": "", "product": "", "publisher": ""],
        "platformFaultDomain": "0", "platformSubFaultDomain": "", "platformUpdateDomain": "0", "priority": "",
        "provider": "Microsoft.Compute", "publicKeys": [], "publisher": "", "resourceGroupName": "", "resourceId": "",
        "securityProfile": [
            "encryptionAtHost": "false", "secureBootEnabled": "false", "securityType": "", "virtualTpmEnabled": "false",
        ],
        "sku": "",
        "storageProfile": [
            "dataDisks": [], "imageReference": ["id": "", "offer": "", "publisher": "", "sku": "", "version": ""],
            "osDisk": [:], "resourceDisk": ["size": ""],
        ],
        "subscriptionId": "", "tags": "", "tagsList": [], "userData": "", "version": "",
        "virtualMachineScaleSet": ["id": ""], "vmId": "", "vmScaleSetName": "", "vmSize": "", "zone": "",
    ]

    /// The version that each newer key came with.
    private static let introduced: [String: String] = [
        "tags": "2017-08-01", "resourceGroupName": "2017-08-01", "subscriptionId": "2017-08-01",
        "placementGroupId": "2017-08-01", "vmScaleSetName": "2017-12-01", "zone": "2017-12-01", "plan": "2018-04-02",
        "publicKeys": "2018-04-02", "azEnvironment": "2018-10-01", "customData": "2019-02-01", "provider": "2018-10-01",
        "resourceId": "2019-03-11", "storageProfile": "2019-06-01", "tagsList": "2019-06-04",
        "securityProfile": "2020-06-01", "licenseType": "2020-09-01", "osProfile": "2020-07-15",
        "evictionPolicy": "2020-12-01", "priority": "2020-12-01", "platformSubFaultDomain": "2021-10-01",
        "userData": "2021-01-01", "extendedLocation": "2021-03-01", "host": "2021-11-15", "hostGroup": "2021-11-15",
        "additionalCapabilities": "2021-11-15", "virtualMachineScaleSet": "2021-03-01",
        "isHostCompatibilityLayerVm": "2020-06-01",
    ]
}

public import Fabric
public import Vocabulary

/// The images that clients may name: the usual short names, and what the fabric has besides.
///
/// Source: Azure CLI, "Find and use images", image aliases; Azure Compute REST, "Virtual Machine Images".
public struct ImageCatalogue: Sendable {
    /// A short name for an image.
    public struct Alias: Sendable {
        /// For example `Ubuntu2204`.
        public let name: String
        /// What it stands for.
        public let reference: ImageReference
        /// `Linux` or `Windows`.
        public let osType: String
    }

    /// Every image that can be named, each once.
    public let images: [MachineImage]

    /// The images of a fabric beside those with short names.
    public init(_ fabric: [MachineImage]) {
        let named = Self.aliases.map {
            MachineImage(id: "", reference: $0.reference, title: $0.name, osType: $0.osType)
        }
        var seen: Set<String> = []
        self.images = (fabric + named).filter { image in
            let reference = image.reference
            return seen.insert("\(reference.publisher):\(reference.offer):\(reference.sku)".lowercased()).inserted
        }
    }

    /// The short names that clients know.
    public static let aliases: [Alias] = [
        alias("Ubuntu2204", "Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2"),
        alias("Ubuntu2404", "Canonical", "ubuntu-24_04-lts", "server"),
        alias("Ubuntu2404Pro", "Canonical", "ubuntu-24_04-lts", "ubuntu-pro"),
        alias("Debian11", "Debian", "debian-11", "11-backports-gen2"),
        alias("Debian12", "Debian", "debian-12", "12-gen2"),
        alias("Debian13", "Debian", "debian-13", "13-gen2"),
        alias("CentOS85Gen2", "OpenLogic", "CentOS", "8_5-gen2"),
        alias("RHELRaw8LVMGen2", "RedHat", "RHEL", "8-lvm-gen2"),
        alias("OpenSuseLeap154Gen2", "SUSE", "openSUSE-leap-15-4", "gen2"),
        alias("SuseSles15SP5", "SUSE", "sles-15-sp5", "gen2"),
        alias("FlatcarLinuxFreeGen2", "kinvolk", "flatcar-container-linux-free", "stable-gen2"),
        alias("Win2022Datacenter", "MicrosoftWindowsServer", "WindowsServer", "2022-datacenter-g2"),
        alias(
            "Win2022AzureEditionCore",
            "MicrosoftWindowsServer",
            "WindowsServer",
            "2022-datacenter-azure-edition-core"
        ),
        alias("Win2019Datacenter", "MicrosoftWindowsServer", "WindowsServer", "2019-datacenter-gensecond"),
        alias("Win2016Datacenter", "MicrosoftWindowsServer", "WindowsServer", "2016-datacenter-gensecond"),
    ]

    private static func alias(_ name: String, _ publisher: String, _ offer: String, _ sku: String) -> Alias {
        let reference = ImageReference(publisher: publisher, offer: offer, sku: sku)
        return Alias(name: name, reference: reference, osType: self.isWindows(reference) ? "Windows" : "Linux")
    }

    /// The document in which clients look short names up: not protected, it is the same for everybody.
    public static let aliasDocument: JSONValue = {
        var systems: JSONValue = ["Linux": [:], "Windows": [:]]
        for alias in Self.aliases {
            systems[alias.osType]?[alias.name] = [
                "publisher": .string(alias.reference.publisher), "offer": .string(alias.reference.offer),
                "sku": .string(alias.reference.sku), "version": "latest", "architecture": "x64",
            ]
        }
        return [
            "$schema": "http://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json",
            "contentVersion": "1.0.0.0", "parameters": [:], "variables": [:], "resources": [],
            "outputs": ["aliases": ["type": "object", "value": systems]],
        ]
    }()

    /// Whether an image is one of Windows, by who publishes it.
    static func isWindows(_ reference: ImageReference) -> Bool {
        let publisher = reference.publisher.lowercased()
        return publisher.hasPrefix("microsoftwindows") || publisher == "microsoftvisualstudio"
            || publisher == "microsoftsqlserver" && reference.offer.lowercased().contains("ws20")
    }

    /// The version of an image in numbers: `latest` is no answer to which one it is.
    public static func exactVersion(of reference: ImageReference) -> String {
        let isNumber = reference.version.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
        return isNumber && !reference.version.isEmpty ? reference.version : "1.0.0"
    }
}

extension Resources {
    /// The images that clients may name here.
    public var images: ImageCatalogue { ImageCatalogue(self.hooks.fabric.images) }

    /// An image that stands in no list but of which machines can be made all the same: of another release, say, for which a substitute
    /// is taken. Nil when there is no way.
    public func unlistedImage(for reference: ImageReference) -> MachineImage? {
        guard self.hooks.fabric.image(for: reference) != nil else { return nil }
        return MachineImage(id: "", reference: reference, title: reference.urn, osType: "Linux")
    }
}

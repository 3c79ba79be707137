import Federation
import HTTPTypes
import Hummingbird
import Vocabulary

extension SignInRoutes {
    /// The documents by which the Azure CLI and the Azure SDKs learn the addresses of a cloud.
    ///
    /// One address has two shapes: newer api-versions get one object, older ones an array.
    func addCloudMetadata<Context: RequestContext>(to router: Router<Context>) {
        router.get("metadata/endpoints") { request, _ in
            let version = (try? self.query(request))?["api-version"] ?? ""
            // The CLI ties the name AzureCloud to Microsoft's own sign-in address when it comes in an array, and its SSH extension knows
            // three names only: there, this cloud goes by another of the three.
            return version.isEmpty || version >= "2022"
                ? self.document(self.cloud(named: "AzureCloud"), maxAge: 300)
                : self.document(.array([self.cloud(named: "AzureUSGovernment")]), maxAge: 300)
        }
        router.get("metadata/aliases.json") { _, _ in
            self.document(Self.aliases, maxAge: 3600)
        }
    }

    func cloud(named name: String) -> JSONValue {
        let manager = self.origin.resourceManagerBase + "/"
        let graph = self.origin.graphBase + "/"
        let none: JSONValue = "https://service.invalid/"
        return [
            "name": .string(name),
            "portal": .string(self.origin.base),
            "authentication": [
                "loginEndpoint": .string(self.origin.loginBase),
                "audiences": [
                    .string(self.origin.resourceManagerAudience), "https://management.core.windows.net/",
                    "https://management.azure.com/",
                ],
                "tenant": "common",
                "identityProvider": "AAD",
            ],
            "resourceManager": .string(manager),
            "microsoftGraphResourceId": .string(graph),
            "graphAudience": .string(graph),
            "graph": .string(graph),
            "vmImageAliasDoc": .string(manager + "metadata/aliases.json"),
            // Parts of Azure that are not here; the client wants an address for each.
            "media": none,
            "batch": none,
            "gallery": none,
            "sqlManagement": none,
            "activeDirectoryDataLake": none,
            "suffixes": [
                "storage": "storage.invalid", "keyVaultDns": "vault.invalid", "sqlServerHostname": "database.invalid",
                "acrLoginServer": "registry.invalid",
            ],
        ]
    }

    /// Short names of images, for `az vm create --image`.
    private static let aliases: JSONValue = [
        "outputs": [
            "aliases": [
                "type": "object",
                "value": [
                    "Linux": [
                        "Ubuntu2204": image("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2"),
                        "Ubuntu2404": image("Canonical", "ubuntu-24_04-lts", "server"),
                        "Debian11": image("Debian", "debian-11", "11-backports-gen2"),
                        "Debian12": image("Debian", "debian-12", "12-gen2"),
                        "OpenSuseLeap154Gen2": image("SUSE", "openSUSE-leap-15-4", "gen2"),
                        "RHELRaw8LVMGen2": image("RedHat", "RHEL", "8-lvm-gen2"),
                        "SuseSles15SP5": image("SUSE", "sles-15-sp5", "gen2"),
                        "FlatcarLinuxFreeGen2": image("kinvolk", "flatcar-container-linux-free", "stable-gen2"),
                    ],
                    "Windows": [
                        "Win2022Datacenter": image("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter-g2"),
                        "Win2019Datacenter": image(
                            "MicrosoftWindowsServer",
                            "WindowsServer",
                            "2019-datacenter-gensecond"
                        ),
                    ],
                ],
            ]
        ]
    ]

    private static func image(_ publisher: String, _ offer: String, _ sku: String) -> JSONValue {
        [
            "publisher": .string(publisher), "offer": .string(offer), "sku": .string(sku), "version": "latest",
            "architecture": "x64",
        ]
    }
}

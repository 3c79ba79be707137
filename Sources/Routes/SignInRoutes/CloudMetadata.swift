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
}

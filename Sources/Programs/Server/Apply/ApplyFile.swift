import Vocabulary

/// The declarative description of a tenant: people, applications, machines and who may do what.
///
/// Only reads and checks the text; `Applier` carries it out.
struct ApplyFile {
    struct TenantEntry { let id: GUID?; let domain: String; let displayName: String; let domains: [String] }
    struct SubscriptionEntry { let id: GUID?; let displayName: String }
    struct UserEntry {
        let id: GUID?
        let name: String
        let displayName: String
        let mail: String?
        let enabled: Bool
        let guest: Bool
        let temporaryPassword: Bool
        let directoryRoles: [String]
        let password: SecretSource?
        let removed: Bool
    }
    struct GroupEntry { let id: GUID?; let name: String; let members: [String]; let removed: Bool }
    struct ApplicationEntry { let appID: GUID; let name: String; let redirectURIs: [String]; let isPublic: Bool }
    struct ServicePrincipalEntry {
        let id: GUID?
        let name: String
        let appID: GUID
        let enabled: Bool
        let secret: SecretSource?
        let certificate: SecretSource?
        let removed: Bool
    }
    struct ResourceGroupEntry { let name: String; let subscription: String?; let location: String }
    struct SubnetEntry { let name: String; let addressPrefix: String }
    struct NetworkEntry {
        let name: String
        let resourceGroup: String
        let addressPrefixes: [String]
        let subnets: [SubnetEntry]
        let peerings: [String]
    }
    struct BastionEntry {
        let name: String
        let resourceGroup: String
        let network: String
        let sku: String
        let flags: [String: Bool]
    }
    struct MachineEntry {
        let name: String
        let resourceGroup: String
        let osType: String
        let hostName: String
        let network: String
        let subnet: String
        let privateAddress: String
        let adminUsername: String
        let hasIdentity: Bool
        let entraLogin: Bool
        let removed: Bool
    }
    struct RoleAssignmentEntry { let principal: String; let role: String; let scope: String; let removed: Bool }

    let tenant: TenantEntry?
    let subscriptions: [SubscriptionEntry]
    let users: [UserEntry]
    let groups: [GroupEntry]
    let applications: [ApplicationEntry]
    let servicePrincipals: [ServicePrincipalEntry]
    let resourceGroups: [ResourceGroupEntry]
    let networks: [NetworkEntry]
    let bastions: [BastionEntry]
    let machines: [MachineEntry]
    let roleAssignments: [RoleAssignmentEntry]

    /// Every secret the file refers to.
    var secretSources: [SecretSource] {
        self.users.compactMap(\.password)
            + self.servicePrincipals.flatMap { [$0.secret, $0.certificate].compactMap { $0 } }
    }

    static let bastionFlags = [
        "enableTunneling", "enableIpConnect", "enableFileCopy", "enableShareableLink", "enableKerberos",
        "enableSessionRecording", "disableCopyPaste",
    ]

    /// Reads the text; throws a `Problem` whose text begins with the line number.
    init(parsing text: String) throws(Problem) {
        let top = try YAMLEntry.parse(
            text,
            known: [
                "apiVersion", "tenant", "subscriptions", "users", "groups", "applications", "servicePrincipals",
                "resourceGroups", "virtualNetworks", "bastionHosts", "virtualMachines", "roleAssignments",
            ]
        )
        guard try top.text("apiVersion") == "1" else { throw top.problem("'apiVersion' must be 1") }
        self.tenant = try Self.tenant(top)
        self.subscriptions = try top.entries("subscriptions", known: ["id", "displayName"]).map { e throws(Problem) in
            SubscriptionEntry(id: try e.guid("id"), displayName: try e.requiredText("displayName"))
        }
        self.users = try Self.users(top)
        self.groups = try top.entries("groups", known: ["id", "name", "members", "removed"]).map { e throws(Problem) in
            GroupEntry(
                id: try e.guid("id"),
                name: try e.requiredText("name"),
                members: try e.texts("members"),
                removed: try e.bool("removed", default: false)
            )
        }
        self.applications = try top.entries("applications", known: ["name", "appId", "redirectUris", "public"])
            .map { e throws(Problem) in
                guard let appID = try e.guid("appId") else { throw e.problem("'appId' is missing") }
                return ApplicationEntry(
                    appID: appID,
                    name: try e.requiredText("name"),
                    redirectURIs: try e.texts("redirectUris"),
                    isPublic: try e.bool("public", default: true)
                )
            }
        self.servicePrincipals = try Self.servicePrincipals(top)
        self.resourceGroups = try top.entries("resourceGroups", known: ["name", "subscription", "location"])
            .map { e throws(Problem) in
                ResourceGroupEntry(
                    name: try e.requiredText("name"),
                    subscription: try e.text("subscription"),
                    location: try e.text("location") ?? "local"
                )
            }
        self.networks = try Self.networks(top)
        self.bastions = try Self.bastions(top)
        self.machines = try Self.machines(top)
        self.roleAssignments = try top.entries("roleAssignments", known: ["principal", "role", "scope", "removed"])
            .map { e throws(Problem) in
                RoleAssignmentEntry(
                    principal: try e.requiredText("principal"),
                    role: try e.requiredText("role"),
                    scope: try e.requiredText("scope"),
                    removed: try e.bool("removed", default: false)
                )
            }
    }

    private static func tenant(_ top: YAMLEntry) throws(Problem) -> TenantEntry? {
        guard let entry = try top.entry("tenant", known: ["id", "domain", "displayName", "domains"]) else { return nil }
        let domain = try entry.requiredText("domain")
        return TenantEntry(
            id: try entry.guid("id"),
            domain: domain,
            displayName: try entry.text("displayName") ?? domain,
            domains: try entry.texts("domains")
        )
    }

    private static func users(_ top: YAMLEntry) throws(Problem) -> [UserEntry] {
        try top.entries(
            "users",
            known: [
                "id", "upn", "displayName", "mail", "enabled", "guest", "temporaryPassword", "password", "removed",
                "directoryRoles",
            ]
        ).map { e throws(Problem) in
            let name = try e.requiredText("upn")
            return UserEntry(
                id: try e.guid("id"),
                name: name,
                displayName: try e.text("displayName") ?? name,
                mail: try e.text("mail"),
                enabled: try e.bool("enabled", default: true),
                guest: try e.bool("guest", default: false),
                temporaryPassword: try e.bool("temporaryPassword", default: false),
                directoryRoles: try e.texts("directoryRoles"),
                password: try e.secretSource("password"),
                removed: try e.bool("removed", default: false)
            )
        }
    }

    private static func servicePrincipals(_ top: YAMLEntry) throws(Problem) -> [ServicePrincipalEntry] {
        try top.entries(
            "servicePrincipals",
            known: ["id", "name", "appId", "enabled", "secret", "certificate", "removed"]
        ).map { e throws(Problem) in
            guard let appID = try e.guid("appId") else { throw e.problem("'appId' is missing") }
            return ServicePrincipalEntry(
                id: try e.guid("id"),
                name: try e.requiredText("name"),
                appID: appID,
                enabled: try e.bool("enabled", default: true),
                secret: try e.secretSource("secret"),
                certificate: try e.secretSource("certificate"),
                removed: try e.bool("removed", default: false)
            )
        }
    }

    private static func bastions(_ top: YAMLEntry) throws(Problem) -> [BastionEntry] {
        try top.entries(
            "bastionHosts",
            known: ["name", "resourceGroup", "virtualNetwork", "sku"] + Self.bastionFlags
        ).map { e throws(Problem) in
            var flags: [String: Bool] = [:]
            for flag in Self.bastionFlags { flags[flag] = try e.bool(flag, default: false) }
            return BastionEntry(
                name: try e.requiredText("name"),
                resourceGroup: try e.requiredText("resourceGroup"),
                network: try e.requiredText("virtualNetwork"),
                sku: try e.text("sku") ?? "Standard",
                flags: flags
            )
        }
    }

    private static func networks(_ top: YAMLEntry) throws(Problem) -> [NetworkEntry] {
        try top.entries(
            "virtualNetworks",
            known: ["name", "resourceGroup", "addressPrefixes", "subnets", "peerings"]
        ).map { e throws(Problem) in
            NetworkEntry(
                name: try e.requiredText("name"),
                resourceGroup: try e.requiredText("resourceGroup"),
                addressPrefixes: try e.texts("addressPrefixes"),
                subnets: try e.entries("subnets", known: ["name", "addressPrefix"]).map { s throws(Problem) in
                    SubnetEntry(name: try s.requiredText("name"), addressPrefix: try s.requiredText("addressPrefix"))
                },
                peerings: try e.texts("peerings")
            )
        }
    }

    private static func machines(_ top: YAMLEntry) throws(Problem) -> [MachineEntry] {
        try top.entries(
            "virtualMachines",
            known: [
                "name", "resourceGroup", "osType", "hostName", "virtualNetwork", "subnet", "privateAddress",
                "adminUsername", "identity", "entraLogin", "removed",
            ]
        ).map { e throws(Problem) in
            let name = try e.requiredText("name")
            let osType = try e.text("osType") ?? "Linux"
            guard ["Linux", "Windows"].contains(osType) else { throw e.problem("'osType' must be Linux or Windows") }
            let identity = try e.text("identity") ?? "SystemAssigned"
            guard ["SystemAssigned", "None"].contains(identity) else {
                throw e.problem("'identity' must be SystemAssigned or None")
            }
            return MachineEntry(
                name: name,
                resourceGroup: try e.requiredText("resourceGroup"),
                osType: osType,
                hostName: try e.text("hostName") ?? name.lowercased(),
                network: try e.requiredText("virtualNetwork"),
                subnet: try e.requiredText("subnet"),
                privateAddress: try e.requiredText("privateAddress"),
                adminUsername: try e.text("adminUsername") ?? "azureuser",
                hasIdentity: identity == "SystemAssigned",
                entraLogin: try e.bool("entraLogin", default: true),
                removed: try e.bool("removed", default: false)
            )
        }
    }
}

public import Vocabulary

/// The roles that come with the program, with the identifiers and contents that Azure publishes. Source: Azure built-in
/// roles.
extension RoleDefinition {
    /// Everything but entering machines.
    public static let owner = GUID(high: 0x8e3a_f657_a8ff_443c, low: 0xa75c_2fe8_c4bc_b635)
    /// Everything but rights and entering machines.
    public static let contributor = GUID(high: 0xb249_88ac_6180_42a0, low: 0xab88_20f7_382d_d24c)
    /// Seeing everything.
    public static let reader = GUID(high: 0xacdd_72a7_3385_48ef, low: 0xbd42_f606_fba8_1ae7)
    /// Seeing everything and managing rights.
    public static let userAccessAdministrator = GUID(high: 0x18d7_d88d_d35e_4fb5, low: 0xa5c3_7773_c20a_72d9)
    /// Managing who has which role.
    public static let roleBasedAccessControlAdministrator = GUID(
        high: 0xf583_10d9_a9f6_439a,
        low: 0x9e8d_f62e_7b41_a168
    )
    /// Signing in to machines as an administrator.
    public static let virtualMachineAdministratorLogin = GUID(high: 0x1c01_63c0_47e6_4577, low: 0x8991_ea5c_82e2_86e4)
    /// Signing in to machines as a regular user.
    public static let virtualMachineUserLogin = GUID(high: 0xfb87_9df8_f326_4884, low: 0xb1cf_06f3_ad86_be52)
    /// Managing who may sign in to machines, and nothing else.
    public static let virtualMachineDataAccessAdministrator = GUID(
        high: 0x66f7_5aeb_eabe_4b70,
        low: 0x9f1e_c350_c4c9_ad04
    )

    /// Managing machines without entering them.
    public static let virtualMachineContributor = GUID(high: 0x9980_e02c_c2be_4d73, low: 0x94e8_173b_1dc7_cf3c)
    /// Managing networks.
    public static let networkContributor = GUID(high: 0x4d97_b98b_1d4f_4787, low: 0xa291_c678_34d2_12e7)

    /// All of them, in the order lists show them.
    public static let builtIn: [RoleDefinition] = [
        make(
            Self.owner,
            "Owner",
            "Grants full access to manage all resources, including who has which role.",
            actions: ["*"]
        ),
        make(
            Self.contributor,
            "Contributor",
            "Grants full access to manage all resources, but not to assign roles.",
            actions: ["*"],
            notActions: [
                "Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write",
                "Microsoft.Authorization/elevateAccess/Action", "Microsoft.Blueprint/blueprintAssignments/write",
                "Microsoft.Blueprint/blueprintAssignments/delete", "Microsoft.Compute/galleries/share/action",
                "Microsoft.Purview/consents/write", "Microsoft.Purview/consents/delete",
                "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
                "Microsoft.Subscription/cancel/action", "Microsoft.Subscription/enable/action",
            ]
        ),
        make(Self.reader, "Reader", "View all resources, but do not make any changes.", actions: ["*/read"]),
        make(
            Self.userAccessAdministrator,
            "User Access Administrator",
            "Manage who has access to resources.",
            actions: ["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"]
        ),
        make(
            Self.roleBasedAccessControlAdministrator,
            "Role Based Access Control Administrator",
            "Manage access to resources by assigning roles, and nothing else.",
            actions: [
                "Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete",
                "*/read", "Microsoft.Support/*",
            ]
        ),
        make(
            Self.virtualMachineAdministratorLogin,
            "Virtual Machine Administrator Login",
            "View virtual machines and sign in to them as an administrator.",
            actions: machineReads,
            dataActions: [
                "Microsoft.Compute/virtualMachines/login/action",
                "Microsoft.Compute/virtualMachines/loginAsAdmin/action",
                "Microsoft.HybridCompute/machines/login/action", "Microsoft.HybridCompute/machines/loginAsAdmin/action",
            ]
        ),
        make(
            Self.virtualMachineUserLogin,
            "Virtual Machine User Login",
            "View virtual machines and sign in to them as a regular user.",
            actions: machineReads,
            dataActions: [
                "Microsoft.Compute/virtualMachines/login/action", "Microsoft.HybridCompute/machines/login/action",
            ]
        ),
        make(
            GUID(high: 0x602d_a2ba_a5c2_41da, low: 0xb01d_5360_126a_b525),
            "Virtual Machine Local User Login",
            "View machines outside the cloud and sign in to them as a local user.",
            actions: [
                "Microsoft.HybridCompute/machines/*/read",
                "Microsoft.HybridConnectivity/endpoints/listCredentials/action",
            ]
        ),
        make(
            Self.virtualMachineContributor,
            "Virtual Machine Contributor",
            "Manage virtual machines, but not who may enter them nor the networks they are in.",
            actions: machineManagement
        ),
        make(
            Self.virtualMachineDataAccessAdministrator,
            "Virtual Machine Data Access Administrator (preview)",
            "Manage who may sign in to virtual machines by assigning the two login roles, and nothing else.",
            actions: [
                "Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete",
                "Microsoft.Authorization/*/read", "Microsoft.Resources/subscriptions/resourceGroups/read",
                "Microsoft.Resources/subscriptions/read", "Microsoft.Management/managementGroups/read",
                "Microsoft.Network/publicIPAddresses/read", "Microsoft.Network/virtualNetworks/read",
                "Microsoft.Network/loadBalancers/read", "Microsoft.Network/networkInterfaces/read",
                "Microsoft.Compute/virtualMachines/*/read", "Microsoft.HybridCompute/machines/*/read",
                "Microsoft.Resources/deployments/*", "Microsoft.Support/*",
            ],
            condition: loginRolesOnly
        ),
        make(
            Self.networkContributor,
            "Network Contributor",
            "Manage networks, but not access to them.",
            actions: [
                "Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.Network/*",
                "Microsoft.ResourceHealth/availabilityStatuses/read", "Microsoft.Resources/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Support/*",
            ]
        ),
    ]

    private static let machineReads = [
        "Microsoft.Network/publicIPAddresses/read", "Microsoft.Network/virtualNetworks/read",
        "Microsoft.Network/loadBalancers/read", "Microsoft.Network/networkInterfaces/read",
        "Microsoft.Compute/virtualMachines/*/read", "Microsoft.HybridCompute/machines/*/read",
        "Microsoft.HybridConnectivity/endpoints/listCredentials/action",
    ]

    private static let machineManagement = [
        "Microsoft.Authorization/*/read", "Microsoft.Compute/availabilitySets/*", "Microsoft.Compute/locations/*",
        "Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/virtualMachineScaleSets/*",
        "Microsoft.Compute/cloudServices/*", "Microsoft.Compute/disks/write", "Microsoft.Compute/disks/read",
        "Microsoft.Compute/disks/delete", "Microsoft.DevTestLab/schedules/*", "Microsoft.Insights/alertRules/*",
        "Microsoft.Network/applicationGateways/backendAddressPools/join/action",
        "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
        "Microsoft.Network/loadBalancers/inboundNatPools/join/action",
        "Microsoft.Network/loadBalancers/inboundNatRules/join/action",
        "Microsoft.Network/loadBalancers/probes/join/action", "Microsoft.Network/loadBalancers/read",
        "Microsoft.Network/locations/*", "Microsoft.Network/networkInterfaces/*",
        "Microsoft.Network/networkSecurityGroups/join/action", "Microsoft.Network/networkSecurityGroups/read",
        "Microsoft.Network/publicIPAddresses/join/action", "Microsoft.Network/publicIPAddresses/read",
        "Microsoft.Network/virtualNetworks/read", "Microsoft.Network/virtualNetworks/subnets/join/action",
        "Microsoft.ResourceHealth/availabilityStatuses/read", "Microsoft.Resources/deployments/*",
        "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.SerialConsole/serialPorts/connect/action",
        "Microsoft.SqlVirtualMachine/*", "Microsoft.Storage/storageAccounts/listKeys/action",
        "Microsoft.Storage/storageAccounts/read", "Microsoft.Support/*",
    ]

    private static var loginRolesOnly: String {
        let roles = "{\(Self.virtualMachineAdministratorLogin), \(Self.virtualMachineUserLogin)}"
        let attribute = "[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals"
        return """
            ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request\(attribute)\(roles))) \
            AND ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR (@Resource\(attribute)\(roles)))
            """
    }

    // 2015-02-02, when the first of them appeared; the exact day means nothing to anybody.
    private static let published = Instant(seconds: 1_422_835_200)

    private static func make(
        _ name: GUID,
        _ roleName: String,
        _ description: String,
        actions: [String],
        notActions: [String] = [],
        dataActions: [String] = [],
        condition: String? = nil
    ) -> RoleDefinition {
        RoleDefinition(
            name: name,
            roleName: roleName,
            description: description,
            isCustom: false,
            permissions: [
                Permission(actions: actions, notActions: notActions, dataActions: dataActions, condition: condition)
            ],
            assignableScopes: [.root],
            createdOn: published,
            updatedOn: published
        )
    }
}

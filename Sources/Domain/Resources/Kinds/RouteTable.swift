import Vocabulary

extension ResourceKind {
    static let routeType = "Microsoft.Network/routeTables/routes"

    /// Route tables: where a subnet's traffic goes next. Kept and shown; a fabric that has no routers does not carry them out.
    ///
    /// Source: Azure route tables REST.
    static let routeTable: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Network/routeTables",
            properties: [
                "disableBgpRoutePropagation": Member(.flag, initial: false),
                "subnets": Member(.anything, .readOnly),
                "resourceGuid": Member(.text(36), .readOnly),
            ]
        )
        kind.inUseCode = "InUseRouteTableCannotBeDeleted"
        kind.embedded = ["routes": routeType]
        kind.emptiesEmbedded = true
        kind.complete = { table, _, plan throws(Problem) in
            table.properties["subnets"] = nil
            if table.properties["resourceGuid"] == nil {
                table.properties["resourceGuid"] = .string(GUID(from: plan.random).description)
            }
        }
        kind.show = { document, table, snapshot, _ in
            let users = snapshot.referrers(of: table.path).compactMap { snapshot[key: $0] }
            if !users.isEmpty {
                document["properties"]?["subnets"] = .array(users.map { ["id": .string($0.path.description)] })
            }
        }
        return kind
    }()

    /// One route. Source: Azure routes REST.
    static let route: ResourceKind = {
        var kind = ResourceKind(
            routeType,
            properties: [
                "addressPrefix": Member(.text(64), .required),
                "nextHopType": Member(
                    .word(["VirtualNetworkGateway", "VnetLocal", "Internet", "VirtualAppliance", "None"]),
                    .required
                ),
                "nextHopIpAddress": Member(.text(45)),
                "hasBgpOverride": Member(.flag, .readOnly),
            ]
        )
        kind.isTracked = false
        kind.claims = { route in
            guard let table = route.path.parent, let prefix = route.properties["addressPrefix"]?.string else {
                return []
            }
            return [
                Claim(key: "route:\(table.key):\(prefix.lowercased())") { holder in
                    Problem(
                        "RouteConflict",
                        shown:
                            "Route '\(route.name)' has the same address prefix as another route of the table: \(holder)."
                    )
                }
            ]
        }
        kind.complete = { route, _, _ throws(Problem) in
            let prefix = route.properties["addressPrefix"]?.string ?? ""
            guard SecurityRule.place(prefix) != nil, prefix != "*" else {
                throw Problem(
                    "InvalidAddressPrefix",
                    shown:
                        "The address prefix '\(PrintableText.of(prefix))' of route '\(route.name)' is not a range or a "
                        + "service tag."
                )
            }
            let needsAddress = route.properties["nextHopType"] == "VirtualAppliance"
            let address = route.properties["nextHopIpAddress"]?.string
            guard needsAddress == (address?.isEmpty == false),
                address.map({ IPv4Address($0) != nil || $0.isEmpty }) ?? true
            else {
                throw Problem(
                    "InvalidRouteNextHop",
                    shown: "Route '\(route.name)': nextHopIpAddress is an IPv4 address, given with nextHopType "
                        + "VirtualAppliance and only then."
                )
            }
        }
        return kind
    }()

    /// NAT gateways, as scale sets ask for them: kept and shown. Source: Azure NAT gateways REST.
    static let natGateway: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Network/natGateways",
            properties: [
                "idleTimeoutInMinutes": Member(.number(4...120), initial: 4),
                "publicIpAddresses": Member(
                    .list(.reference(ReferenceRule("Microsoft.Network/publicIPAddresses", action: "join")))
                ),
                "subnets": Member(.anything, .readOnly),
                "resourceGuid": Member(.text(36), .readOnly),
            ],
            sku: ["name": Member(.word(["Standard", "StandardV2"]), initial: "Standard")]
        )
        kind.inUseCode = "InUseNatGatewayCannotBeDeleted"
        kind.complete = { gateway, _, _ throws(Problem) in gateway.properties["subnets"] = nil }
        kind.show = { document, gateway, snapshot, _ in
            let users = snapshot.referrers(of: gateway.path).compactMap { snapshot[key: $0] }
            if !users.isEmpty {
                document["properties"]?["subnets"] = .array(users.map { ["id": .string($0.path.description)] })
            }
        }
        return kind
    }()

    /// Load balancers, as scale sets ask for them: kept and shown. Source: Azure load balancers REST.
    static let loadBalancer: ResourceKind = {
        let address = ReferenceRule("Microsoft.Network/publicIPAddresses", action: "join")
        let plain = Member(.named([:]), initial: [])
        var kind = ResourceKind(
            "Microsoft.Network/loadBalancers",
            properties: [
                "frontendIPConfigurations": Member(
                    .named([
                        "privateIPAllocationMethod": Member(.word(["Dynamic", "Static"]), initial: "Dynamic"),
                        "publicIPAddress": Member(.reference(address)),
                        "subnet": Member(.reference(ReferenceRule(ResourceKind.subnetType, action: "join"))),
                        "provisioningState": Member(.anything, .readOnly),
                    ]),
                    initial: []
                ),
                "backendAddressPools": plain, "loadBalancingRules": plain, "probes": plain,
                "inboundNatPools": plain, "outboundRules": plain,
                "resourceGuid": Member(.text(36), .readOnly),
            ],
            sku: [
                "name": Member(.word(["Basic", "Standard", "Gateway"]), initial: "Basic"),
                "tier": Member(.word(["Regional", "Global"]), initial: "Regional"),
            ]
        )
        kind.inUseCode = "InUseLoadBalancerCannotBeDeleted"
        kind.embedded = ["inboundNatRules": inboundNATRuleType]
        kind.emptiesEmbedded = true
        kind.complete = { balancer, _, plan throws(Problem) in
            if balancer.properties["resourceGuid"] == nil {
                balancer.properties["resourceGuid"] = .string(GUID(from: plan.random).description)
            }
        }
        return kind
    }()
}

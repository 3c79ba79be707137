import Vocabulary

extension ResourceKind {
    static let inboundNATRuleType = "Microsoft.Network/loadBalancers/inboundNatRules"

    /// Ports of a load balancer that lead to machines behind it, as scale sets ask for them: kept and shown. Source: Azure inbound NAT rules REST.
    static let inboundNATRule: ResourceKind = {
        let part = Shape.object(["id": Member(.text(1024), .required)])
        let port = Member(.number(0...65535))
        var kind = ResourceKind(
            inboundNATRuleType,
            properties: [
                "frontendIPConfiguration": Member(part, .required),
                "backendAddressPool": Member(part),
                "backendIPConfiguration": Member(.anything, .readOnly),
                "protocol": Member(.word(["Tcp", "Udp", "All"]), initial: "Tcp"),
                "frontendPort": port, "frontendPortRangeStart": port, "frontendPortRangeEnd": port, "backendPort": port,
                "idleTimeoutInMinutes": Member(.number(4...100), initial: 4),
                "enableFloatingIP": Member(.flag, initial: false),
                "enableTcpReset": Member(.flag, initial: false),
            ]
        )
        kind.isTracked = false
        kind.complete = { rule, _, plan throws(Problem) in
            for member in ["frontendIPConfiguration", "backendAddressPool"] {
                guard let text = rule.properties[member]?["id"]?.string else { continue }
                guard let part = ResourcePath(text), part.parent == rule.path.parent else {
                    throw .invalidContent("properties.\(member).id", "names a part of the rule's own load balancer")
                }
            }
        }
        return kind
    }()
}

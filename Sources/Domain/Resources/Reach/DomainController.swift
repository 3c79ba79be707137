public import Vocabulary

extension Resources {
    /// Where a bastion host finds the domain controller that signs people in by Kerberos: the first DNS server of its own virtual network.
    ///
    /// Asks for nobody's rights. What a bastion host may not dial is refused here as everywhere, and so is an address outside its own network:
    /// whoever chooses a network's DNS servers must not choose where this server connects to. Source: Azure Bastion, Kerberos authentication.
    public func domainController(of bastion: ResourcePath) -> Verdict<Reach> {
        let snapshot = self.current
        guard let host = snapshot[bastion], host.path.isOf(type: ResourceKind.bastionHost.type),
            host.provisioningState == "Succeeded", let own = host.bastionNetwork.flatMap({ snapshot[$0] })
        else {
            return .refused(
                Refusal("BastionHostNotFound", reason: "There is no working bastion host '\(bastion.name)'.")
            )
        }
        let group = host.path.resourceGroup ?? ""
        guard host.properties["enableKerberos"]?.bool == true else {
            return .refused(
                Refusal(
                    "KerberosDisabled",
                    reason: "Sign-ins by Kerberos are off on '\(host.name)'.",
                    remedy: "Turn them on: az network bastion update -n \(host.name) -g \(group) --kerberos true."
                )
            )
        }
        guard let address = own.properties["dhcpOptions"]?["dnsServers"]?.array?.first?.string else {
            return .refused(
                Refusal(
                    "DomainControllerNotFound",
                    reason:
                        "The virtual network '\(own.name)' of '\(host.name)' names no DNS server, which would be the "
                        + "domain's controller.",
                    remedy: "Name it: az network vnet update -n \(own.name) -g \(own.path.resourceGroup ?? "") "
                        + "--dns-servers ADDRESS."
                )
            )
        }
        switch Self.place(address, host, [own], snapshot) {
        case .refused(let refusal):
            return .refused(
                Refusal(
                    refusal.code,
                    reason:
                        "The first DNS server of '\(own.name)' cannot be the domain's controller: \(refusal.reason)",
                    remedy: "The controller is a machine in that network; name its address as the first DNS server."
                )
            )
        case .allowed(let place):
            return self.way(from: host, in: own, to: place, port: 88, snapshot, isOpen: false)
        }
    }
}

import Vocabulary

extension ResourceKind {
    /// Public addresses: an address of the operator's pool that is routed to a machine; without a pool, a name for none.
    ///
    /// Static ones have their address from the start, dynamic ones while an interface uses them. Source: Azure public IP addresses REST.
    static let publicIPAddress: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Network/publicIPAddresses",
            properties: [
                "publicIPAllocationMethod": Member(.word(["Dynamic", "Static"]), initial: "Dynamic"),
                "publicIPAddressVersion": Member(.word(["IPv4"]), initial: "IPv4"),
                "idleTimeoutInMinutes": Member(.number(4...30), initial: 4),
                "dnsSettings": Member(
                    .object(["domainNameLabel": Member(.text(63)), "fqdn": Member(.text(253), .readOnly)])
                ),
                "ddosSettings": Member(.anything),
                "ipTags": Member(.anything, initial: []),
                "ipAddress": Member(.text(15), .readOnly),
                "ipConfiguration": Member(.anything, .readOnly),
                "resourceGuid": Member(.text(36), .readOnly),
            ],
            sku: [
                "name": Member(.word(["Basic", "Standard", "StandardV2"]), initial: "Basic"),
                "tier": Member(.word(["Regional", "Global"]), initial: "Regional"),
            ]
        )
        kind.inUseCode = "PublicIPAddressCannotBeDeleted"
        kind.claims = { address in
            var claims: [Claim] = []
            if let number = address.properties["ipAddress"]?.string {
                claims.append(
                    Claim(key: "public:\(number)") { holder in
                        Problem("PublicIPAddressInUse", shown: "\(number) is held by \(holder) already.")
                    }
                )
            }
            if let label = address.domainNameLabel {
                claims.append(
                    Claim(key: Snapshot.claim(onLabel: label, in: address.location ?? "")) { _ in
                        Problem("DnsRecordInUse", shown: "DNS record \(label) is already used by another public IP.")
                    }
                )
            }
            return claims
        }
        kind.complete = { address, previous, plan throws(Problem) in
            let isStandard = address.sku?["name"] != "Basic"
            guard !isStandard || address.properties["publicIPAllocationMethod"] == "Static" else {
                throw Problem(
                    "StandardSkuPublicIPAddressAllocationMethodNotSupported",
                    shown: "Standard sku publicIp \(address.path) must have AllocationMethod set to Static."
                )
            }
            if let given = address.properties["ipAddress"]?.string, IPv4Address(given) == nil {
                throw .invalidContent("properties.ipAddress", "is not an IPv4 address")
            }
            if let previous, previous.sku?["name"] != "Basic", !isStandard {
                throw Problem("PropertyChangeNotAllowed", shown: "The SKU of '\(address.name)' cannot be lowered.")
            }
            try ResourceKind.completeLabel(of: &address, plan)
            if address.properties["publicIPAllocationMethod"] == "Static", address.properties["ipAddress"] == nil {
                address.properties["ipAddress"] = try plan.freePublicAddress().map { .string($0.description) }
            }
            if address.properties["resourceGuid"] == nil {
                address.properties["resourceGuid"] = .string(GUID(from: plan.random).description)
            }
        }
        kind.show = { document, address, snapshot, _ in
            // Clients that gave a label read the name that came of it, and stop where there is no such member.
            if address.domainNameLabel != nil, address.properties["dnsSettings"]?["fqdn"] == nil {
                document["properties"]?["dnsSettings"]?["fqdn"] = ""
            }
            for user in snapshot.referrers(of: address.path).compactMap({ snapshot[key: $0] }) {
                guard let used = user.ipConfigurations.first(where: { $0.publicAddress == address.path }) else {
                    continue
                }
                let list =
                    user.path.isOf(type: ResourceKind.bastionHost.type)
                    ? "bastionHostIpConfigurations" : "ipConfigurations"
                document["properties"]?["ipConfiguration"] = ["id": .string("\(user.path)/\(list)/\(used.name)")]
            }
        }
        return kind
    }()

    // A label that is already taken is refused by the claim.
    private static func completeLabel(of address: inout Resource, _ plan: Plan) throws(Problem) {
        guard let label = address.domainNameLabel else { return }
        guard Snapshot.isDomainNameLabel(label) else {
            throw Problem(
                "InvalidDomainNameLabel",
                shown: "The domain name label \(PrintableText.of(label)) is invalid. It must conform to the following "
                    + "regular expression: ^[a-z][a-z0-9-]{1,61}[a-z0-9]$."
            )
        }
        address.properties["dnsSettings"]?["fqdn"] = plan.settings.publicDomain.map {
            .string("\(label).\(address.location ?? "local").\($0)")
        }
    }
}

extension Resource {
    /// The label that a public address has in the zone of its region.
    fileprivate var domainNameLabel: String? {
        self.properties["dnsSettings"]?["domainNameLabel"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension Snapshot {
    static func claim(onLabel label: String, in location: String) -> String {
        "label:\(location):\(label.lowercased())"
    }

    static func isDomainNameLabel(_ label: String) -> Bool {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let first = label.utf8.first, let last = label.utf8.last else { return false }
        return (3...63).contains(label.utf8.count) && letters.contains(first)
            && (letters.contains(last) || digits.contains(last))
            && label.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "-") }
    }
}

extension Plan {
    /// An address of the pool that nothing holds; nil when the operator has named no pool. Throws when all are taken.
    fileprivate func freePublicAddress() throws(Problem) -> IPv4Address? {
        guard !self.settings.publicAddresses.isEmpty else { return nil }
        for prefix in self.settings.publicAddresses {
            for number in prefix.hosts.prefix(1 << 16) {
                let address = IPv4Address(number: number)
                if self.holder(of: "public:\(address)", otherThan: .root) == nil { return address }
            }
        }
        throw Problem("PublicIPCountLimitReached", shown: "Every public address of this installation is in use.")
    }

    /// Gives the dynamic public addresses that an interface uses an address, and takes it from those that it does not use any more.
    mutating func settlePublicAddresses(of interface: Resource, _ previous: Resource?) throws(Problem) {
        let used = interface.ipConfigurations.compactMap(\.publicAddress)
        if let previous { self.releasePublicAddresses(of: previous, keeping: used) }
        for path in used {
            guard var address = self[path], address.properties["publicIPAllocationMethod"] == "Dynamic",
                address.properties["ipAddress"] == nil, let number = try self.freePublicAddress()
            else { continue }
            address.properties["ipAddress"] = .string(number.description)
            self.store(address, as: "resource.allocate")
        }
    }

    /// Takes the address from dynamic public addresses that an interface used.
    mutating func releasePublicAddresses(of interface: Resource, keeping kept: [ResourcePath]) {
        for path in interface.ipConfigurations.compactMap(\.publicAddress) where !kept.contains(path) {
            guard var address = self[path], address.properties["publicIPAllocationMethod"] == "Dynamic",
                address.properties["ipAddress"] != nil
            else { continue }
            address.properties["ipAddress"] = nil
            self.store(address, as: "resource.release")
        }
    }
}

extension Resources {
    /// Whether a label for a public address is free in a region.
    public func isFree(domainNameLabel label: String, in location: String) -> Bool {
        let claim = Snapshot.claim(onLabel: label, in: Plan.normal(location: location))
        return Snapshot.isDomainNameLabel(label) && self.current.holder(of: claim) == nil
    }
}

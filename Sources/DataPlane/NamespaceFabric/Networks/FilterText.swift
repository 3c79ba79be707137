import Fabric
import Vocabulary

/// The packet filters as `nft` reads them. Each text replaces a whole table at once.
enum FilterText {
    /// The filters inside a network's namespace.
    ///
    /// Bridge ports are isolated, so every packet between two machines is routed and passes `forward`. What the bastion dials starts in the
    /// namespace itself and passes no chain here. Ports are pinned to their machine's addresses, because rules speak of addresses.
    static func network(_ attachments: [MachinePort], link: LinkAddresses, serverPort: Int) -> String {
        let sorted = attachments.sorted { $0.port < $1.port }
        var lines = ["table inet spf", "delete table inet spf", "table inet spf {"]
        for attachment in sorted {
            lines.append("  chain to-\(attachment.port) {")
            lines += attachment.interface.inbound.flatMap(Self.rule).map { "    " + $0 }
            lines += ["    drop", "  }"]
        }
        lines += [
            "  chain arriving {", "    type nat hook prerouting priority dstnat; policy accept;",
            "    iifname \"br*\" fib daddr type local tcp dport \(serverPort) dnat ip to \(link.box):\(serverPort)",
        ]
        for attachment in sorted {
            if let address = Self.publicAddress(attachment) {
                lines.append("    iifname \"up0\" ip daddr \(address) dnat ip to \(attachment.interface.address)")
            }
        }
        lines += [
            "  }", "  chain leaving {", "    type nat hook postrouting priority srcnat; policy accept;",
            "    oifname \"up0\" masquerade", "  }",
            "  chain input {", "    type filter hook input priority filter; policy drop;",
            "    ct state established,related accept", "    iifname \"lo\" accept",
            "    icmp type echo-request accept", "  }",
            "  chain forward {", "    type filter hook forward priority filter; policy drop;",
            "    ct state invalid drop", "    ct state established,related accept",
            "    iifname \"br*\" oifname \"up0\" ip daddr \(link.box) tcp dport \(serverPort) ct status dnat accept",
        ]
        for attachment in sorted {
            lines.append("    ip daddr \(attachment.interface.address) goto to-\(attachment.port)")
        }
        lines += [
            "  }", "}", "table bridge spf", "delete table bridge spf", "table bridge spf {", "  chain arriving {",
        ]
        lines.append("    type filter hook prerouting priority filter; policy accept;")
        for attachment in sorted {
            let port = "    iifname \"\(attachment.port)\""
            let address = attachment.interface.address
            lines += [
                "\(port) ether saddr != \(attachment.hardwareAddress) drop", "\(port) ether type != { ip, arp } drop",
                "\(port) ip saddr != \(address) drop", "\(port) arp saddr ip != \(address) drop",
            ]
        }
        lines += ["  }", "}", ""]
        return lines.joined(separator: "\n")
    }

    /// The filters on the box: what comes out of a network reaches the server's port and nothing else.
    static func box(table: String, networks: [NetworkRecord], serverPort: Int) -> String {
        var lines = ["table inet \(table)", "delete table inet \(table)"]
        guard !networks.isEmpty else { return lines.joined(separator: "\n") + "\n" }
        let links = networks.map { "\"\($0.name)\"" }.sorted().joined(separator: ", ")
        lines += [
            "table inet \(table) {", "  set links {", "    type ifname", "    elements = { \(links) }", "  }",
            "  chain input {", "    type filter hook input priority filter - 10; policy accept;",
            "    iifname @links ct state established,related accept",
            "    iifname @links fib daddr type local tcp dport \(serverPort) accept", "    iifname @links drop", "  }",
            "  chain forward {", "    type filter hook forward priority filter - 10; policy accept;",
            "    iifname @links oifname @links drop", "    iifname @links ct state established,related accept",
            "    iifname @links drop", "  }", "}", "",
        ]
        return lines.joined(separator: "\n")
    }

    /// One rule as the lines that say it: one for each source, and two for all transports with ports.
    ///
    /// Sources are not put into one set, because `nft` refuses sets whose ranges overlap.
    static func rule(_ rule: TrafficRule) -> [String] {
        let ranges = rule.sources.compactMap { text in
            // Everywhere is said in one way only: another address with no length at all is somebody's mistake, and would open everything.
            AddressPrefix(masking: text).flatMap { $0.length > 0 || text == "0.0.0.0/0" ? $0 : nil }
        }
        let isAnywhere = rule.sources.isEmpty || ranges.contains(.everything)
        // A source of the other address family never fits; without any left the rule must not come to mean everybody.
        let sources = isAnywhere ? [""] : ranges.map { "ip saddr \($0) " }
        let ports = Self.merged(rule.ports)
            .map { $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        let isAnyPort = rule.ports.isEmpty || ports == ["0-65535"]
        if ports.isEmpty, !isAnyPort { return [] }
        let verdict = rule.isAllowed ? "accept" : "drop"
        return sources.flatMap { from -> [String] in
            switch rule.transport {
            case .icmp: return ["\(from)meta l4proto icmp \(verdict)"]
            case .any where isAnyPort: return ["\(from)\(verdict)"]
            case .tcp, .udp, .any:
                let names = rule.transport == .any ? ["tcp", "udp"] : [rule.transport.rawValue]
                return names.map { name in
                    isAnyPort
                        ? "\(from)meta l4proto \(name) \(verdict)"
                        : "\(from)\(name) dport { \(ports.joined(separator: ", ")) } \(verdict)"
                }
            }
        }
    }

    private static func merged(_ ranges: [ClosedRange<Int>]) -> [ClosedRange<Int>] {
        var merged: [ClosedRange<Int>] = []
        for range in ranges.map({ $0.clamped(to: 0...65_535) }).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }

    /// The public address of a place, when it is one.
    static func publicAddress(_ attachment: MachinePort) -> String? {
        attachment.interface.publicAddress.flatMap { IPv4Address($0) == nil ? nil : $0 }
    }
}

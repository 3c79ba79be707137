import CLinux
import Fabric
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Makes networks out of namespaces, bridges and cables. Everything may be done twice.
struct NetworkMaker: Sendable {
    let serverPort: Int
    /// The filter table on the box.
    let table: String

    /// The box's ends of cables that anybody made already: two networks must not get the same addresses.
    static func takenLinks() throws(FabricError) -> Set<String> {
        let listed = try Command.run(["ip", "-o", "-4", "address", "show"])
        return Set(
            listed.split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                guard let at = words.firstIndex(of: "inet"), at + 1 < words.count else { return nil }
                return String(words[at + 1].prefix { $0 != "/" })
            }
        )
    }

    /// Brings a network's namespace, cable and bridges to what the record says; filters are `filter`'s.
    func make(_ network: NetworkRecord) throws(FabricError) {
        if !SmallFile.exists(network.place) {
            try Command.run(["ip", "netns", "add", network.name])
        }
        if !SmallFile.exists("/proc/sys/net/ipv4/conf/\(network.name)") {
            try self.batch(["link add \(network.name) type veth peer name up0 netns \(network.name)"])
        }
        // Also where the cable is there: whoever laid it may have ended before it had its address.
        try self.batch([
            "address replace \(network.link.box)/30 dev \(network.name)", "link set \(network.name) up",
        ])
        let subnets = network.subnets
        let link = network.link
        try NamespaceThread.run(in: network.place) { () throws(FabricError) in
            let listed = try Command.run(["ip", "-o", "link", "show", "type", "bridge"])
            let bridges = Set(
                listed.split(separator: "\n").compactMap { line -> String? in
                    let words = line.split(separator: " ")
                    return words.count > 1 ? String(words[1].prefix { $0 != ":" && $0 != "@" }) : nil
                }
            )
            var lines = ["link set lo up", "address replace \(link.network)/30 dev up0", "link set up0 up"]
            lines.append("route replace default via \(link.box) dev up0")
            for bridge in bridges where !subnets.contains(where: { $0.bridge == bridge }) {
                lines.append("link delete \(bridge)")
            }
            for subnet in subnets {
                guard let prefix = AddressPrefix(subnet.prefix) else { continue }
                if !bridges.contains(subnet.bridge) { lines.append("link add \(subnet.bridge) type bridge") }
                lines += [
                    "address replace \(prefix.gateway)/\(prefix.length) dev \(subnet.bridge)",
                    "link set \(subnet.bridge) up",
                ]
            }
            try self.batch(lines)
            try SmallFile.set("/proc/sys/net/ipv4/ip_forward", "1")
            for subnet in subnets {
                let settings = "/proc/sys/net/ipv4/conf/\(subnet.bridge)/"
                // Neighbours on a bridge cannot see each other: the gateway answers for them, and every packet passes its filters.
                try SmallFile.set(settings + "proxy_arp_pvlan", "1")
                try SmallFile.set(settings + "send_redirects", "0")
            }
        }
    }

    /// Sets the filters in a network, and the routes of public addresses that lead to it.
    func filter(_ network: NetworkRecord, _ attachments: [MachinePort]) throws(FabricError) {
        let text = FilterText.network(attachments, link: network.link, serverPort: self.serverPort)
        try NamespaceThread.run(in: network.place) { () throws(FabricError) in
            try Command.run(["nft", "-f", "-"], input: text)
        }
        let wanted = Set(attachments.compactMap(FilterText.publicAddress))
        let listed = try Command.run(["ip", "-o", "-4", "route", "show", "dev", network.name])
        let present = Set(
            listed.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) }
                .filter { !$0.contains("/") }
        )
        let lines = wanted.subtracting(present).map {
            "route replace \($0)/32 via \(network.link.network) dev \(network.name)"
        }
        if !lines.isEmpty { try self.batch(lines) }
        for gone in present.subtracting(wanted) {
            // Whoever else has a say on this box, another service with the same range too, may have taken the route away in between.
            try? self.batch(["route delete \(gone)/32 dev \(network.name)"])
        }
    }

    /// Sets the filters on the box.
    func filterBox(_ networks: [NetworkRecord]) throws(FabricError) {
        try Command.run(
            ["nft", "-f", "-"],
            input: FilterText.box(table: self.table, networks: networks, serverPort: self.serverPort)
        )
    }

    /// Takes a network away, with whatever still hangs on it.
    func remove(_ network: NetworkRecord) throws(FabricError) {
        if SmallFile.exists("/proc/sys/net/ipv4/conf/\(network.name)") {
            try Command.run(["ip", "link", "delete", network.name])
        }
        if SmallFile.exists(network.place) {
            try Command.run(["ip", "netns", "delete", network.name])
        }
    }

    /// Gives the processes of `number` their place on a network.
    func attach(_ attachment: MachinePort, of number: Int32, in network: NetworkRecord) throws(FabricError) {
        guard let subnet = network.subnet(attachment.interface.subnet), let prefix = AddressPrefix(subnet.prefix),
            let address = IPv4Address(attachment.interface.address), prefix.contains(address)
        else {
            throw .order(
                code: "InvalidPrivateIPAddress",
                "The address \(attachment.interface.address) is in no subnet '\(attachment.interface.subnet)'."
            )
        }
        let port = attachment.port
        let hardware = attachment.hardwareAddress
        try NamespaceThread.run(in: network.place) { () throws(FabricError) in
            if SmallFile.exists("/proc/sys/net/ipv4/conf/\(port)") { try self.batch(["link delete \(port)"]) }
            try self.batch([
                "link add \(port) type veth peer name \(attachment.device) address \(hardware) netns \(number)",
                "link set \(port) master \(subnet.bridge)", "link set \(port) type bridge_slave isolated on",
                "link set \(port) up",
                "neighbour replace \(address) lladdr \(hardware) dev \(subnet.bridge) nud permanent",
            ])
        }
        try NamespaceThread.run(in: "/proc/\(number)/ns/net") { () throws(FabricError) in
            var lines = [
                "address add \(address)/\(prefix.length) dev \(attachment.device)",
                "link set \(attachment.device) up",
            ]
            if attachment.number == 0 {
                lines += [
                    "link set lo up",
                    // Where a machine's own services are asked for its identity.
                    "address add 169.254.169.254/32 dev lo",
                    "route add default via \(prefix.gateway) dev \(attachment.device)",
                ]
            }
            try self.batch(lines)
        }
    }

    /// A connection begun from inside a network: the descriptor may still be on its way.
    static func connect(to address: IPv4Address, port: Int, in network: NetworkRecord) throws(FabricError) -> Int32 {
        try NamespaceThread.run(in: network.place) { () throws(FabricError) in
            let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            let made = socket(AF_INET, kind, 0)
            guard made >= 0 else { throw .last("socket", of: network.name) }
            var target = sockaddr_in()
            target.sin_family = sa_family_t(AF_INET)
            target.sin_port = in_port_t(UInt16(truncatingIfNeeded: port).bigEndian)
            target.sin_addr = in_addr(s_addr: address.number.bigEndian)
            let outcome = withUnsafePointer(to: &target) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(made, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard outcome == 0 || errno == EINPROGRESS else {
                let failure = FabricError.last("connect", of: address.description)
                close(made)
                throw failure
            }
            return made
        }
    }

    private func batch(_ lines: [String]) throws(FabricError) {
        try Command.run(["ip", "-batch", "-"], input: lines.joined(separator: "\n") + "\n")
    }
}

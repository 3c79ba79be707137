import Fabric
import Vocabulary

/// A network as it is kept on disk.
struct NetworkRecord: Codable, Sendable {
    /// Ten hexadecimal digits, drawn at random: names of others cannot be made to meet it.
    let id: String
    let path: ResourcePath
    var subnets: [Subnet]
    let link: LinkAddresses
    /// Whether it is being made or removed. Found so at the start of a service that ended in the middle, it is removed; nil is no.
    var isUnfinished: Bool?

    /// A subnet with its bridge.
    struct Subnet: Codable, Sendable {
        let name: String
        let prefix: String
        /// Names the bridge; a subnet keeps it when others come and go.
        let number: Int

        var bridge: String { "br\(self.number)" }
    }

    /// The name of the namespace and of the cable's end on the box.
    var name: String { "spf-\(self.id)" }
    var place: String { "/run/netns/\(self.name)" }

    /// The subnet with a name, in any letter case.
    func subnet(_ name: String) -> Subnet? {
        self.subnets.first { $0.name.lowercased() == name.lowercased() }
    }

    /// The subnets of an order: those that were there keep their bridges.
    static func subnets(of order: NetworkOrder, before: [Subnet]) throws(FabricError) -> [Subnet] {
        var next = (before.map(\.number).max() ?? -1) + 1
        var made: [Subnet] = []
        for subnet in order.subnets {
            guard let prefix = AddressPrefix(subnet.prefix), (1...29).contains(prefix.length) else {
                throw .order(
                    code: "NetcfgInvalidSubnet",
                    "The prefix '\(PrintableText.of(subnet.prefix, limit: 40))' of subnet '\(subnet.name)' is no IPv4 prefix."
                )
            }
            let known = before.first { $0.name.lowercased() == subnet.name.lowercased() && $0.prefix == subnet.prefix }
            if let known {
                made.append(known)
            } else {
                made.append(Subnet(name: subnet.name, prefix: prefix.description, number: next))
                next += 1
            }
        }
        return made
    }
}

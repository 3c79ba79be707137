import Fabric
import Vocabulary

/// What an order for a machine must look like. The server judges orders by its own rules first; these keep the box whole whatever it says.
enum OrderRules {
    /// Throws when an order is not fit to be carried out.
    static func check(_ order: MachineMessage, network: (ResourcePath) -> NetworkRecord?) throws(FabricError) {
        guard Self.isHostName(order.hostName) else {
            throw .order(code: "InvalidParameter", "'\(PrintableText.of(order.hostName, limit: 80))' is no host name.")
        }
        if let name = order.administrator?.name, !Self.isUserName(name) {
            throw .order(
                code: "InvalidParameter",
                "'\(PrintableText.of(name, limit: 80))' is no name for an administrator."
            )
        }
        if let password = order.administrator?.password, password.contains(where: \.isNewline) {
            throw .order(code: "InvalidParameter", "The password has a line break in it.")
        }
        if let enrolment = order.enrolment {
            guard Self.isHostName(enrolment.serverName), (1...65_535).contains(enrolment.port) else {
                throw .order(code: "InvalidParameter", "The name or the port of the server is not valid.")
            }
        }
        guard (order.memory.map { (16...1 << 24).contains($0) } ?? true),
            (order.processors.map { (1...4096).contains($0) } ?? true)
        else {
            throw .order(code: "InvalidParameter", "A machine has 16 MB to 16 TB of memory and 1 to 4096 processors.")
        }
        guard !order.interfaces.isEmpty, order.interfaces.count <= 8 else {
            throw .order(code: "InvalidParameter", "A machine has one to eight network interfaces.")
        }
        for interface in order.interfaces {
            guard let record = network(interface.network) else {
                throw .order(code: "NetworkNotFound", "There is no network '\(interface.network.name)' here.")
            }
            guard let subnet = record.subnet(interface.subnet), let prefix = AddressPrefix(subnet.prefix),
                let address = IPv4Address(interface.address), prefix.contains(address), address != prefix.gateway
            else {
                throw .order(
                    code: "PrivateIPAddressNotInSubnet",
                    "\(PrintableText.of(interface.address, limit: 40)) is no address of subnet '\(interface.subnet)'."
                )
            }
        }
    }

    /// Letters, digits, hyphens and dots, at most 64 bytes, none but a letter or digit at the ends.
    static func isHostName(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count), let first = text.utf8.first, let last = text.utf8.last else {
            return false
        }
        return Self.isPlain(first) && Self.isPlain(last)
            && text.utf8.allSatisfy { Self.isPlain($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }

    /// A letter or underscore, then letters, digits, `_`, `-` and `.`; at most 32 bytes, which is what `useradd` takes.
    static func isUserName(_ text: String) -> Bool {
        guard (1...32).contains(text.utf8.count), let first = text.utf8.first, !(48...57).contains(first) else {
            return false
        }
        return (Self.isPlain(first) || first == UInt8(ascii: "_"))
            && text.utf8.allSatisfy { Self.isPlain($0) || "_-.".utf8.contains($0) }
    }

    private static func isPlain(_ unit: UInt8) -> Bool {
        switch unit {
        case 48...57, 65...90, 97...122: true
        default: false
        }
    }
}

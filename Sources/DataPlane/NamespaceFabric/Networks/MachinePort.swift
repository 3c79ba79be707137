import Fabric

/// Where a machine hangs on a network.
struct MachinePort: Sendable, Hashable {
    /// The machine's id and the number of its interface.
    let machine: String
    let number: Int
    let interface: MachineOrder.Interface
    let bridge: String

    /// The end of the machine's cable in the network's namespace: at most 15 bytes.
    var port: String { "m\(self.machine)-\(self.number)" }
    /// The other end, in the machine.
    var device: String { "eth\(self.number)" }

    /// An address of the locally administered kind, made from the one that is unique in the network.
    var hardwareAddress: String {
        let address = IPv4Prefix.number(self.interface.address) ?? 0
        let bytes = [0x02, 0x5a] + [24, 16, 8, 0].map { Int(address >> $0 & 255) }
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

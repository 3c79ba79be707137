import Fabric
import Vocabulary

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

    /// The address of that end.
    var hardwareAddress: String {
        (IPv4Address(self.interface.address) ?? IPv4Address(number: 0)).hardwareAddress(between: ":")
    }
}

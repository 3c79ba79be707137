public import Vocabulary

/// A place on the network that a tunnel can dial.
public struct Endpoint: Hashable, Sendable {
    /// An IP address in text, never a name: names could change their meaning between the check and the dialling.
    public let address: String
    /// A TCP port, 1 to 65535.
    public let port: Int
    /// The virtual network in which the address means something; nil for the server's own surroundings.
    public let network: ResourcePath?

    /// Names a place.
    public init(address: String, port: Int, network: ResourcePath? = nil) {
        self.address = address
        self.port = port
        self.network = network
    }
}

extension Endpoint: CustomStringConvertible {
    public var description: String {
        self.address.contains(":") ? "[\(self.address)]:\(self.port)" : "\(self.address):\(self.port)"
    }
}

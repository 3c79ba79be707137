/// The host's settings: MCS Connect Response with a GCC Conference Create Response inside. Patched in place.
///
/// Source: MS-RDPBCGR 2.2.1.4, T.125 section 11.2, T.124 section 8.7.
public struct ConnectResponse: Hashable, Sendable {
    /// The whole message, envelope included.
    public private(set) var bytes: [UInt8]
    /// The number of the channel that all but side channels' data goes over. Source: MS-RDPBCGR 2.2.1.4.4.
    public let channel: Int
    private let core: Range<Int>

    /// The longest message that is read.
    public static let limit = 16 * 1024

    /// Reads one whole message; throws `refused` when the host says no.
    public init(parsing message: [UInt8]) throws(RDPWireError) {
        let name = "an MCS Connect Response"
        guard message.count <= Self.limit else { throw .tooLong(name) }
        var reader = try TPKT.payload(message, of: name)
        try reader.expectEnvelope([0x7f, 0x66])
        try reader.expect([0x0a, 0x01], "its result")
        guard try reader.byte() == 0 else { throw .refused("The machine refused the connection.") }
        try reader.expect([0x02], "its identifier")
        _ = try reader.take(try reader.basicLength())
        try reader.expect([0x30], "domain parameters")
        _ = try reader.take(try reader.basicLength())
        try reader.expectConference()
        // Hosts write a constant here that is not the length.
        _ = try reader.packedLength()
        try reader.expect([0x14], "a conference create response")
        // The node, its tag, the result and the key's form.
        _ = try reader.take(2)
        _ = try reader.take(Int(try reader.byte()))
        _ = try reader.take(4)
        try reader.expect(Array("McDn".utf8), "the host's key")
        try reader.expectSettings()
        let blocks = try SettingsBlocks(reader)
        guard let core = blocks[.hostCore], core.count >= 8 else {
            throw .malformed("\(name) without core settings")
        }
        guard let network = blocks[.hostNetwork], network.count >= 8 else {
            throw .malformed("\(name) without a channel")
        }
        self.core = core
        self.channel = Int(message[network.lowerBound + 4]) | Int(message[network.lowerBound + 5]) << 8
        self.bytes = message
    }

    /// What the host thinks that the client asked for; nil when it does not say. Set to what the client did ask.
    public var requested: SecurityProtocols? {
        get {
            guard self.core.count >= 12 else { return nil }
            return SecurityProtocols(rawValue: self.bytes.long(at: self.core.lowerBound + 8))
        }
        set {
            guard self.core.count >= 12, let newValue else { return }
            self.bytes.put(newValue.rawValue, at: self.core.lowerBound + 8)
        }
    }
}

/// The first message of a client: the X.224 connection request. Source: MS-RDPBCGR 2.2.1.1.
public struct ConnectionRequest: Hashable, Sendable {
    /// The routing token or `Cookie: mstshash=…`, without its line end; empty for none. Text from outside.
    public var cookie: [UInt8]
    /// What the client asks for; nil when it knows no negotiation, and then speaks the protocol's own old encryption only.
    public var protocols: SecurityProtocols?
    /// The flags beside it: 1 restricted administration, 2 remote credential guard, 8 a correlation block follows.
    public var flags: UInt8

    /// The longest request that is read.
    public static let limit = 1024

    /// Makes a request.
    public init(protocols: SecurityProtocols?, cookie: [UInt8] = [], flags: UInt8 = 0) {
        self.protocols = protocols
        self.cookie = cookie
        self.flags = flags
    }

    /// Reads one whole message, envelope included.
    public init(parsing message: [UInt8]) throws(RDPWireError) {
        var reader = PDUReader(message, in: "a connection request")
        try reader.expect([3, 0], "its TPKT header")
        guard try reader.bigShort() == message.count, message.count <= Self.limit else {
            throw .malformed("a connection request of another length than it says")
        }
        // The indicator is one byte, so a request with a long cookie cannot say its length; the envelope does.
        _ = try reader.byte()
        guard try reader.byte() == 0xe0 else { throw .unexpected("no connection request") }
        // Destination, source and class; the rest is RDP's own.
        _ = try reader.take(5)
        self.cookie = []
        self.flags = 0
        self.protocols = nil
        if reader.rest.first != 1 || reader.left < 8, let end = Self.lineEnd(in: reader.rest) {
            self.cookie = Array(try reader.take(end - reader.position))
            _ = try reader.take(2)
        }
        guard reader.left > 0 else { return }
        guard try reader.byte() == 1 else { throw .malformed("a connection request with an unknown block") }
        self.flags = try reader.byte()
        guard try reader.short() == 8 else {
            throw .malformed("a connection request with a negotiation of another length")
        }
        self.protocols = SecurityProtocols(rawValue: try reader.long())
    }

    /// The message, envelope included.
    public var bytes: [UInt8] {
        var body: [UInt8] = [0xe0, 0, 0, 0, 0, 0]
        if !self.cookie.isEmpty {
            body += self.cookie.prefix(200) + [0x0d, 0x0a]
        }
        if let protocols = self.protocols {
            body += [1, self.flags, 8, 0] + PDUBytes.long(protocols.rawValue)
        }
        return [3, 0] + PDUBytes.bigShort(body.count + 5) + [UInt8(body.count)] + body
    }

    private static func lineEnd(in bytes: ArraySlice<UInt8>) -> Int? {
        bytes.indices.dropLast().first { bytes[$0] == 0x0d && bytes[$0 + 1] == 0x0a }
    }
}

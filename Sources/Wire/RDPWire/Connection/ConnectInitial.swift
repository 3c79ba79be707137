/// The client's settings: MCS Connect Initial with a GCC Conference Create Request inside. Patched in place, so that every length stays.
///
/// Source: MS-RDPBCGR 2.2.1.3, T.125 section 11.1, T.124 section 8.7.
public struct ConnectInitial: Hashable, Sendable {
    /// The whole message, envelope included.
    public private(set) var bytes: [UInt8]
    private let core: Range<Int>
    private let network: Range<Int>?
    private let cluster: Range<Int>?
    private let multitransport: Range<Int>?

    /// The longest message that is read: clients send well below two thousand bytes, with sixteen monitors.
    public static let limit = 16 * 1024
    /// The most channels that the protocol knows. Source: MS-RDPBCGR 2.2.1.3.4.
    static let channelLimit = 31

    /// Reads one whole message.
    public init(parsing message: [UInt8]) throws(RDPWireError) {
        let name = "an MCS Connect Initial"
        guard message.count <= Self.limit else { throw .tooLong(name) }
        var reader = try TPKT.payload(message, of: name)
        try reader.expectEnvelope([0x7f, 0x65])
        for _ in 0..<2 {
            try reader.expect([0x04], "a domain selector")
            _ = try reader.take(try reader.basicLength())
        }
        try reader.expect([0x01, 0x01], "its direction")
        _ = try reader.byte()
        for _ in 0..<3 {
            try reader.expect([0x30], "domain parameters")
            _ = try reader.take(try reader.basicLength())
        }
        try reader.expectConference()
        // A length that could be written shorter or longer moves the settings for hosts that pass over a fixed count of bytes (xrdp does).
        guard try reader.packedLength() == reader.left else {
            throw .malformed("\(name) with a conference of another length than it says")
        }
        try reader.expect([0x00, 0x08, 0x00, 0x10, 0x00, 0x01, 0xc0, 0x00], "a conference create request")
        try reader.expect(Array("Duca".utf8), "the client's key")
        try reader.expectSettings()
        let blocks = try SettingsBlocks(reader)
        guard let core = blocks[.clientCore], core.count >= 132 else {
            throw .malformed("\(name) without core settings")
        }
        self.core = core
        self.network = blocks[.clientNetwork]
        self.cluster = blocks[.clientCluster]
        self.multitransport = blocks[.clientMultitransport]
        self.bytes = message
        if let network = self.network {
            guard network.count >= 8 else { throw .malformed("a channel list shorter than its header") }
            let count = self.bytes[network.lowerBound + 4..<network.lowerBound + 8]
            guard let number = count.first, count.dropFirst().allSatisfy({ $0 == 0 }), Int(number) <= Self.channelLimit,
                network.count >= 8 + Int(number) * 12
            else { throw .malformed("a channel list of another length than it says") }
        }
    }

    /// The protocol that the client thinks was selected; nil when it does not say. Set to what the host selected.
    public var selected: SecurityProtocols? {
        get {
            guard self.core.count >= 216 else { return nil }
            return SecurityProtocols(rawValue: self.bytes.long(at: self.core.lowerBound + 212))
        }
        set {
            guard self.core.count >= 216, let newValue else { return }
            self.bytes.put(newValue.rawValue, at: self.core.lowerBound + 212)
        }
    }

    /// Whether the client shows the reason of a disconnection that the host sends. Source: MS-RDPBCGR 2.2.1.3.2, RNS_UD_CS_SUPPORT_ERRINFO_PDU.
    public var knowsErrorInfo: Bool {
        self.core.count >= 146 && self.bytes[self.core.lowerBound + 144] & 1 != 0
    }

    /// The names of the static channels that the client asks for, in lower case.
    public var channels: [String] {
        self.channelOffsets.map(self.name)
    }

    /// Renames channels, so that the host knows none of them; the client keeps a channel that leads nowhere.
    public mutating func hide(_ hidden: [String]) {
        for (index, offset) in self.channelOffsets.enumerated() where hidden.contains(self.name(at: offset)) {
            let digits = [UInt8(ascii: "0") + UInt8(index / 10), UInt8(ascii: "0") + UInt8(index % 10)]
            self.bytes.replaceSubrange(offset..<offset + 8, with: Array("none".utf8) + digits + [0, 0])
        }
    }

    /// Takes back the offer of a second connection over UDP, which would go around the gateway. Source: MS-RDPBCGR 2.2.1.3.8.
    public mutating func refuseMultitransport() {
        guard let block = self.multitransport, block.count >= 8 else { return }
        self.bytes.put(0, at: block.lowerBound + 4)
    }

    /// Takes back what would lead past the sign-in: a wish for somebody's session by its number, and for the card in the client's reader.
    ///
    /// Session 0, the machine's own screen, may be wished for: the host asks who signs in. Source: MS-RDPBCGR 2.2.1.3.5.
    public mutating func refuseRedirection() {
        guard let block = self.cluster, block.count >= 12 else { return }
        var flags = self.bytes.long(at: block.lowerBound + 4) & ~Self.signsInByCard
        if self.bytes.long(at: block.lowerBound + 8) != 0 {
            flags &= ~Self.namesSession
            self.bytes.put(0, at: block.lowerBound + 8)
        }
        self.bytes.put(flags, at: block.lowerBound + 4)
    }

    // REDIRECTED_SESSIONID_FIELD_VALID and REDIRECTED_SMARTCARD.
    private static let namesSession: UInt32 = 0x2
    private static let signsInByCard: UInt32 = 0x40

    private var channelOffsets: [Int] {
        guard let network = self.network else { return [] }
        let start = network.lowerBound
        return (0..<Int(self.bytes[start + 4])).map { start + 8 + $0 * 12 }
    }

    // Letters only differ in case for people; hosts take a name up to its first NUL, and put one in the eighth place.
    private func name(at offset: Int) -> String {
        let name = self.bytes[offset..<offset + 7].prefix { $0 != 0 }
        return String(decoding: name, as: UTF8.self).lowercased()
    }
}

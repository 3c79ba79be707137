/// Data on a channel, from one side. Source: T.125 section 7, Send Data Request and Send Data Indication.
struct ChannelData {
    /// Who sends, as the first byte says.
    enum Side: UInt8 {
        case client = 0x64
        case host = 0x68
    }

    /// The sender's user and the channel, as they stand in the message.
    let route: [UInt8]
    /// The channel's number.
    let channel: Int
    /// What it carries.
    var payload: PDUReader

    /// Reads one whole message, envelope included.
    init(parsing message: [UInt8], from side: Side, of name: String) throws(RDPWireError) {
        var reader = try TPKT.payload(message, of: name)
        try reader.expect([side.rawValue], "its tag")
        self.route = Array(try reader.take(4))
        self.channel = Int(self.route[2]) << 8 | Int(self.route[3])
        _ = try reader.byte()
        guard try reader.packedLength() == reader.left else {
            throw .malformed("\(name) of another length than it says")
        }
        self.payload = reader
    }
}

/// The messages between the sign-in and the first picture, the last ones with a security header. Source: MS-RDPBCGR 1.3.1.1, phases 6 and 7.
///
/// As long as a host reads these headers, a second sign-in in one of them would take the place of the first (with xrdp, on any channel).
public enum EarlyData {
    private static let transportAnswer = 0x0004
    private static let license = 0x0080
    private static let encryptedLicense = 0x0280
    private static let networkAnswer = 0x2000

    /// Throws unless a client may say this: about its licence on the host's own channel, or how it measured the network. Source: MS-RDPBCGR 2.2.8.1.1.2.1.
    public static func check(_ message: [UInt8], channel: Int) throws(RDPWireError) {
        var data = try ChannelData(parsing: message, from: .client, of: "a message after the sign-in")
        switch try data.payload.short() {
        case Self.license where data.channel == channel, Self.encryptedLicense where data.channel == channel: break
        case Self.networkAnswer, Self.transportAnswer: break
        default: throw .unexpected("a message after the sign-in and before its answer")
        }
    }

    /// Whether this is the host's Demand Active PDU, behind which no message has a security header. Source: MS-RDPBCGR 2.2.1.13.1.
    public static func isLast(_ message: [UInt8], channel: Int) -> Bool {
        guard var data = try? ChannelData(parsing: message, from: .host, of: "a host's message"),
            data.channel == channel, (try? data.payload.short()) != nil
        else { return false }
        return (try? data.payload.short()) == 0x11
    }
}

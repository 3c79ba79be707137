public import Vocabulary

/// The client's sign-in, which the front replaces: the Client Info PDU. Source: MS-RDPBCGR 2.2.1.11.
public struct ClientInfo: Sendable {
    private let route: [UInt8]
    private let codePage: UInt32
    private let flags: UInt32
    private let shell: [UInt8]
    private let directory: [UInt8]
    private let extra: [UInt8]
    /// The account's domain as the client sent it, text from outside.
    public let domain: String
    /// The account's name as the client sent it, text from outside.
    public let user: String

    private static let name = "a Client Info PDU"
    private static let signsIn: UInt32 = 0x8
    private static let isUnicode: UInt32 = 0x10
    // The password is a smart card's PIN; INFO_PASSWORD_IS_SC_PIN.
    private static let isPIN: UInt32 = 0x40000

    /// Reads one whole message, envelope included, which must come on the host's own channel; the password that it carries is not kept.
    public init(parsing message: [UInt8], channel: Int) throws(RDPWireError) {
        let data = try ChannelData(parsing: message, from: .client, of: Self.name)
        guard data.channel == channel else { throw .unexpected("a sign-in on another channel") }
        self.route = data.route
        var reader = data.payload
        // SEC_INFO_PKT, and no other kind of message beside it.
        guard try reader.short() == 0x0040 else { throw .unexpected("data before the sign-in") }
        _ = try reader.short()
        self.codePage = try reader.long()
        self.flags = try reader.long()
        let isUnicode = self.flags & Self.isUnicode != 0
        var lengths: [Int] = []
        for _ in 0..<5 {
            let length = try reader.short()
            guard length <= 1024 else { throw .tooLong("a field of \(Self.name)") }
            guard !isUnicode || length % 2 == 0 else { throw .malformed("\(Self.name) with half a character") }
            lengths.append(length)
        }
        var fields: [[UInt8]] = []
        for length in lengths {
            let field = Array(try reader.take(length))
            _ = try reader.take(isUnicode ? 2 : 1)
            fields.append(isUnicode ? field : field.flatMap { [$0, 0] })
        }
        self.domain = Self.text(fields[0])
        self.user = Self.text(fields[1])
        self.shell = fields[3]
        self.directory = fields[4]
        self.extra = try Self.withoutReconnection(reader)
    }

    // The cookie of an earlier session signs in to that one, whosever it was, without a password (MS-RDPBCGR 5.5): here the front says who
    // signs in. Older clients end before any of the later members. Source: MS-RDPBCGR 2.2.1.11.1.1.1.
    private static func withoutReconnection(_ reader: PDUReader) throws(RDPWireError) -> [UInt8] {
        var reader = reader
        guard reader.left > 0 else { return [] }
        var kept = Array(try reader.take(2))
        // The client's address and its program's directory.
        for _ in 0..<2 {
            let length = try reader.short()
            kept += PDUBytes.short(length) + (try reader.take(length))
        }
        // Its time zone, its session and what it can do without.
        for length in [172, 4, 4] where reader.left > 0 {
            kept += try reader.take(length)
        }
        guard reader.left > 0 else { return kept }
        _ = try reader.take(try reader.short())
        return kept + [0, 0] + reader.rest
    }

    /// The message with another account, which the host signs in at once.
    public func bytes(signingInAs credentials: DesktopCredentials) throws(RDPWireError) -> [UInt8] {
        let password = credentials.password.withValue { Self.utf16($0) }
        return try self.bytes(user: credentials.user, domain: credentials.domain, password: password)
    }

    /// The message with another account and no password, for a recording.
    public func bytes(mentioning credentials: DesktopCredentials) throws(RDPWireError) -> [UInt8] {
        try self.bytes(user: credentials.user, domain: credentials.domain, password: [])
    }

    private func bytes(user: String, domain: String, password: [UInt8]) throws(RDPWireError) -> [UInt8] {
        let fields = [Self.utf16(domain), Self.utf16(user), password, self.shell, self.directory]
        guard fields.allSatisfy({ $0.count <= 1024 * 2 }) else { throw .tooLong("a field of \(Self.name)") }
        let flags = (self.flags | Self.signsIn | Self.isUnicode) & ~Self.isPIN
        var body = PDUBytes.short(0x0040) + [0, 0] + PDUBytes.long(self.codePage) + PDUBytes.long(flags)
        for field in fields {
            body += PDUBytes.short(field.count)
        }
        for field in fields {
            body += field + [0, 0]
        }
        body += self.extra
        guard body.count < 0x4000 else { throw .tooLong(Self.name) }
        return try TPKT.wrap(TPKT.data + [0x64] + self.route + [0x70] + PDUBytes.packedLength(body.count) + body)
    }

    private static func utf16(_ text: String) -> [UInt8] {
        text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    }

    private static func text(_ bytes: [UInt8]) -> String {
        let units = stride(from: 0, to: bytes.count - 1, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
        return String(decoding: units, as: UTF16.self)
    }
}

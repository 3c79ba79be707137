/// Messages of a Remote Desktop connection as clients and hosts send them, for tests. Source: MS-RDPBCGR section 2.2.1.
public enum DesktopSamples {
    /// A connection request as an old client sends it, with a cookie and a wish for TLS or CredSSP.
    public static let requestWithCookie: [UInt8] =
        [3, 0, 0, 0x2b, 0x26, 0xe0, 0, 0, 0, 0, 0] + Array("Cookie: mstshash=alice\r\n".utf8) + [
            1, 0, 8, 0, 3, 0, 0, 0,
        ]

    /// A connection request.
    public static func request(_ protocols: UInt8) -> [UInt8] {
        [3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, protocols, 0, 0, 0]
    }

    /// A connection confirm.
    public static func confirm(_ selected: UInt8, flags: UInt8 = 1) -> [UInt8] {
        [3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, flags, 8, 0, selected, 0, 0, 0]
    }

    /// An MCS Connect Initial whose channels have these names; `conferenceLength` is written instead of the right one.
    public static func connectInitial(
        channels: [String] = ["rdpdr", "rdpsnd", "cliprdr", "drdynvc"],
        selected: UInt8 = 1,
        coreLength: Int = 234,
        cluster: [UInt8] = [9, 0, 0, 0, 0, 0, 0, 0],
        extra: [UInt8] = [],
        conferenceLength: [UInt8]? = nil
    ) -> [UInt8] {
        var core = block(0xc001, Array(repeating: 0, count: coreLength - 4))
        core.replaceSubrange(4..<8, with: [0x0c, 0x00, 0x08, 0x00])
        if coreLength > 145 { core[144] = 1 }
        if coreLength >= 216 { core[212] = selected }
        let names: [UInt8] = channels.flatMap { name -> [UInt8] in
            let padded: [UInt8] = Array(name.utf8) + Array(repeating: 0, count: 8)
            return Array(padded.prefix(8)) + [0, 0, 0, 0xc0]
        }
        let network = block(0xc003, [UInt8(channels.count), 0, 0, 0] + names)
        let multitransport = block(0xc00a, [0x05, 0x03, 0, 0])
        let settings = core + block(0xc004, cluster) + network + multitransport + extra
        let request: [UInt8] =
            [0, 8, 0, 0x10, 0, 1, 0xc0, 0] + Array("Duca".utf8) + packed(settings.count) + settings
        let conference = [0, 5, 0, 0x14, 0x7c, 0, 1] + (conferenceLength ?? packed(request.count)) + request
        let parameters: [UInt8] = [0x30, 0x03, 0x02, 0x01, 0x22]
        let body: [UInt8] =
            [4, 1, 1, 4, 1, 1, 1, 1, 0xff] + parameters + parameters + parameters + [4, 0x82] + big(conference.count)
            + conference
        return envelope([0x7f, 0x65, 0x82] + big(body.count) + body)
    }

    /// An MCS Connect Response.
    public static func connectResponse(requested: UInt8 = 3, coreLength: Int = 12, result: UInt8 = 0) -> [UInt8] {
        var core = block(0x0c01, Array(repeating: 0, count: coreLength - 4))
        if coreLength >= 12 { core[8] = requested }
        let settings = core + block(0x0c02, Array(repeating: 0, count: 8)) + block(0x0c03, [0xeb, 3, 0, 0])
        let conference: [UInt8] =
            [0, 5, 0, 0x14, 0x7c, 0, 1, 0x2a, 0x14, 0x76, 0x0a, 1, 1, 0, 1, 0xc0, 0] + Array("McDn".utf8)
            + packed(settings.count) + settings
        let body: [UInt8] =
            [0x0a, 1, result, 2, 1, 0, 0x30, 3, 2, 1, 0x22, 4, 0x82] + big(conference.count) + conference
        return envelope([0x7f, 0x66, 0x82] + big(body.count) + body)
    }

    /// Erect domain, attach user, join channel 1003.
    public static let joining: [[UInt8]] = [
        envelope([0x04, 1, 0, 1, 0]), envelope([0x28]), envelope([0x38, 0, 7, 3, 0xeb]),
    ]

    /// The extended information of a Client Info PDU, with a cookie of an earlier session.
    public static func extendedInfo(cookie: [UInt8] = [], directory: Int = 8) -> [UInt8] {
        let address = utf16("10.0.0.9\0")
        let head: [UInt8] =
            [2, 0, UInt8(address.count), 0] + address + [UInt8(directory & 255), UInt8(directory >> 8)]
        let middle = Array(repeating: UInt8(0x43), count: directory) + Array(repeating: 7, count: 172 + 4 + 4)
        return head + middle + [UInt8(cookie.count), 0] + cookie + [0, 0, 0, 0, 0, 0, 0, 0]
    }

    /// What a host sends when it shows something: a Demand Active PDU.
    public static let demandActive = envelope([0x68, 0, 1, 3, 0xeb, 0x70, 8, 8, 0, 0x11, 0, 0xea, 3, 9, 9])

    /// What a host sends when somebody is signed in: a Save Session Info PDU.
    public static func logon(
        channel: Int = 1003,
        kind: UInt8 = 0x26,
        compressed: UInt8 = 0,
        about info: UInt8 = 2
    ) -> [UInt8] {
        let share: [UInt8] = [0xea, 3, 1, 0, 0, 1, 0x52, 2, kind, compressed, 0, 0, info, 0, 0, 0]
        let data = share + Array(repeating: 0, count: 572)
        let control = [UInt8((data.count + 6) & 255), UInt8((data.count + 6) >> 8), 0x17, 0, 0xea, 3] + data
        return envelope([0x68, 0, 1] + big(channel) + [0x70] + packed(control.count) + control)
    }

    /// Data of a client's with a security header, on a channel.
    public static func secured(_ flags: Int, channel: Int = 1003, _ body: [UInt8] = [1, 2, 3, 4]) -> [UInt8] {
        let data = [UInt8(flags & 255), UInt8(flags >> 8), 0, 0] + body
        return envelope([0x64, 0, 6] + big(channel) + [0x70] + packed(data.count) + data)
    }

    /// A Client Info PDU as clients with and without a password send it; `extra` is the extended information.
    public static func clientInfo(
        domain: String = "",
        user: String = "alice",
        password: String = "typed-by-somebody",
        shell: String = "",
        isUnicode: Bool = true,
        extra: [UInt8] = extendedInfo(),
        flags security: Int = 0x40,
        channel: Int = 1003
    ) -> [UInt8] {
        let fields = [domain, user, password, shell, ""].map { isUnicode ? utf16($0) : Array($0.utf8) }
        let flags: [UInt8] = [isUnicode ? 0xf3 : 0xe3, 0x47, 0x0b, 0]
        var body: [UInt8] = [9, 4, 0, 0] + flags
        for field in fields { body += [UInt8(field.count & 255), UInt8(field.count >> 8)] }
        for field in fields { body += field + (isUnicode ? [0, 0] : [0]) }
        body += extra
        return secured(security, channel: channel, body)
    }

    /// Text as the protocol writes it.
    public static func utf16(_ text: String) -> [UInt8] {
        text.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    }

    /// Puts an MCS message in its envelope.
    public static func envelope(_ message: [UInt8]) -> [UInt8] {
        [3, 0] + big(message.count + 7) + [2, 0xf0, 0x80] + message
    }

    /// A block of settings.
    public static func block(_ type: Int, _ body: [UInt8]) -> [UInt8] {
        [UInt8(type & 255), UInt8(type >> 8), UInt8((body.count + 4) & 255), UInt8((body.count + 4) >> 8)] + body
    }

    private static func big(_ value: Int) -> [UInt8] {
        [UInt8(value >> 8), UInt8(value & 255)]
    }

    private static func packed(_ value: Int) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : big(value | 0x8000)
    }
}

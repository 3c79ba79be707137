/// The two messages that the client sends. Source: MS-NLMP sections 2.2.1.1 and 2.2.1.3.
enum NTLMMessage {
    static let signature = Array("NTLMSSP".utf8) + [0]
    /// Windows 10 and revision 15 of NTLM: informative, but servers expect the field. Source: MS-NLMP section 2.2.2.10.
    private static let version: [UInt8] = [10, 0, 0x61, 0x4A, 0, 0, 0, 15]
    /// Where the authenticate message has its integrity code.
    static let micRange = 72..<88

    /// The first message: what the client can do, and nothing about the person.
    static func negotiate() -> [UInt8] {
        Self.signature + UInt32(1).littleEndianBytes + NTLMFlags.asked.rawValue.littleEndianBytes
            + Array(repeating: 0, count: 16) + Self.version
    }

    /// The third message, with zeros for its integrity code.
    static func authenticate(
        response: [UInt8],
        domain: [UInt8],
        user: [UInt8],
        sessionKey: [UInt8],
        flags: NTLMFlags
    ) -> [UInt8] {
        // No LM answer of any use is ever sent: with target information it is 24 zeros (MS-NLMP section 3.1.5.1.2).
        let parts = [Array(repeating: 0, count: 24), response, domain, user, [], sessionKey]
        var fields: [UInt8] = []
        var offset = Self.micRange.upperBound
        // Names come before the answers in what Windows sends; the fields point, so the order is free.
        for part in parts {
            let length = UInt16(truncatingIfNeeded: part.count).littleEndianBytes
            fields += length + length + UInt32(offset).littleEndianBytes
            offset += part.count
        }
        return Self.signature + UInt32(3).littleEndianBytes + fields + flags.rawValue.littleEndianBytes + Self.version
            + Array(repeating: 0, count: 16) + parts.flatMap { $0 }
    }

    /// A little-endian number of up to four bytes.
    static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}

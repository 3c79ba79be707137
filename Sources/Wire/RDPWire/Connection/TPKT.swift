/// The envelope of every message before the pictures begin: version 3, nothing, and the whole length. Source: RFC 1006 section 6, MS-RDPBCGR 2.2.1.1.
public enum TPKT {
    /// The X.224 data header inside the envelope: two more bytes, data, end of transmission. Source: MS-RDPBCGR 2.2.1.3.
    static let data: [UInt8] = [0x02, 0xf0, 0x80]

    /// The length of the message that begins here, envelope included; nil when more bytes are needed to know.
    ///
    /// Throws when this is no such message, or one longer than `limit`.
    public static func length(of bytes: some Collection<UInt8>, limit: Int = 65535) throws(RDPWireError) -> Int? {
        var header = bytes.makeIterator()
        guard let version = header.next() else { return nil }
        guard version == 3 else { throw .malformed("a message that is not in TPKT") }
        guard header.next() != nil, let high = header.next(), let low = header.next() else { return nil }
        let length = Int(high) << 8 | Int(low)
        guard length >= 7 else { throw .malformed("a TPKT shorter than its headers") }
        guard length <= limit else { throw .tooLong("a TPKT of \(length) bytes") }
        return length
    }

    /// Puts an X.224 message in its envelope; the message has at most 65531 bytes.
    static func wrap(_ message: [UInt8]) throws(RDPWireError) -> [UInt8] {
        guard message.count + 4 <= 65535 else { throw .tooLong("a message of \(message.count) bytes") }
        return [3, 0] + PDUBytes.bigShort(message.count + 4) + message
    }

    /// What one whole message carries after its data header.
    static func payload(_ message: [UInt8], of name: String) throws(RDPWireError) -> PDUReader {
        var reader = PDUReader(message, in: name)
        try reader.expect([3, 0], "its TPKT header")
        guard try reader.bigShort() == message.count else { throw .malformed("\(name) of another length than it says") }
        try reader.expect(Self.data, "its X.224 data header")
        return reader
    }
}

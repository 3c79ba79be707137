/// The frame that carries a local message: four bytes of length, a version, a kind, fields.
///
/// One connection carries one request and one reply. Both ends give up after a deadline of their own.
public enum LocalFrame {
    /// The version byte.
    public static let version: UInt8 = 1
    /// The longest request, without the length: room for a certificate in base64.
    public static let longestRequest = 32 * 1024
    /// The longest reply, without the length.
    public static let longestReply = 64 * 1024

    /// The length that a frame's first four bytes announce, checked against `limit`; nil while fewer than four bytes are there.
    public static func length(
        of bytes: some Collection<UInt8>,
        limit: Int
    ) throws(AgentWireError) -> Int? {
        guard bytes.count >= 4 else { return nil }
        let length = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length >= 2 else { throw .truncated }
        guard length <= limit else { throw .tooLong }
        return length
    }

    static func wrap(_ kind: UInt8, limit: Int, _ fields: FieldWriter) throws(AgentWireError) -> [UInt8] {
        guard fields.bytes.count + 2 <= limit else { throw .tooLong }
        var head = FieldWriter()
        head.write(UInt32(fields.bytes.count + 2))
        head.write(Self.version)
        head.write(kind)
        return head.bytes + fields.bytes
    }

    /// The kind and the fields of a frame without its length.
    static func open(_ content: [UInt8]) throws(AgentWireError) -> (kind: UInt8, fields: FieldReader) {
        var reader = FieldReader(content)
        let version = try reader.byte()
        guard version == Self.version else { throw .unknownVersion(version) }
        let kind = try reader.byte()
        return (kind, reader)
    }
}

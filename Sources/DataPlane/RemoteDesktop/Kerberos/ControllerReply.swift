import RDPWire

/// A domain controller's answer as it comes in over TCP: four bytes of length, then the message. Source: RFC 4120 section 7.2.2.
struct ControllerReply {
    /// The most that a message may hold; a ticket of somebody with a thousand groups has some 64 KiB.
    static let limit = 128 * 1024

    private var bytes: [UInt8] = []

    /// The answer once all of it is there, nil before. What comes after it is nobody's.
    ///
    /// Refuses an empty message, one above the limit, and the highest bit of the length, which is reserved.
    mutating func receive(_ more: some Collection<UInt8>) throws(RDPWireError) -> [UInt8]? {
        self.bytes += more
        guard self.bytes.count >= 4 else { return nil }
        let length = self.bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length > 0 else { throw .malformed("an empty answer of a domain controller") }
        guard length <= Self.limit else { throw .tooLong("an answer of a domain controller") }
        guard self.bytes.count >= 4 + length else { return nil }
        return Array(self.bytes[4..<4 + length])
    }

    /// A request as it goes out.
    static func framed(_ request: [UInt8]) -> [UInt8] {
        let length = UInt32(truncatingIfNeeded: request.count)
        return [UInt8(length >> 24), UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)]
            + request
    }
}

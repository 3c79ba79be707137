/// Reads numbers and runs of bytes out of one message; every read is checked, nothing is read past the end.
struct PDUReader {
    private let bytes: ArraySlice<UInt8>
    let message: String
    /// Where the next read begins, as an index into the array that the message came from.
    private(set) var position: Int

    init(_ bytes: ArraySlice<UInt8>, in message: String) {
        self.bytes = bytes
        self.message = message
        self.position = bytes.startIndex
    }

    init(_ bytes: [UInt8], in message: String) {
        self.init(bytes[...], in: message)
    }

    /// How many bytes are left.
    var left: Int { self.bytes.endIndex - self.position }

    /// The bytes that are left.
    var rest: ArraySlice<UInt8> { self.bytes[self.position...] }

    mutating func byte() throws(RDPWireError) -> UInt8 {
        try self.take(1).first ?? 0
    }

    /// Two bytes, least significant first.
    mutating func short() throws(RDPWireError) -> Int {
        let low = try self.byte()
        return Int(low) | Int(try self.byte()) << 8
    }

    /// Two bytes, most significant first.
    mutating func bigShort() throws(RDPWireError) -> Int {
        let high = try self.byte()
        return Int(high) << 8 | Int(try self.byte())
    }

    /// Four bytes, least significant first.
    mutating func long() throws(RDPWireError) -> UInt32 {
        let low = try self.short()
        return UInt32(low) | UInt32(try self.short()) << 16
    }

    mutating func take(_ count: Int) throws(RDPWireError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= self.left else { throw .malformed("\(self.message) ends early") }
        defer { self.position += count }
        return self.bytes[self.position..<self.position + count]
    }

    mutating func expect(_ wanted: [UInt8], _ what: String) throws(RDPWireError) {
        guard try self.take(wanted.count).elementsEqual(wanted) else {
            throw .malformed("\(self.message) without \(what)")
        }
    }

    /// The length of a BER element whose tag was read. Source: X.690 section 8.1.3, definite lengths of up to two bytes.
    mutating func basicLength() throws(RDPWireError) -> Int {
        let first = try self.byte()
        switch first {
        case 0..<0x80: return Int(first)
        case 0x81: return Int(try self.byte())
        case 0x82: return try self.bigShort()
        default: throw .malformed("\(self.message) with a length that is out of range")
        }
    }

    /// A PER length determinant of one or two bytes. Source: X.691 section 10.9, without fragments.
    mutating func packedLength() throws(RDPWireError) -> Int {
        let first = try self.byte()
        if first < 0x80 { return Int(first) }
        guard first < 0xc0 else { throw .malformed("\(self.message) in fragments") }
        return Int(first & 0x3f) << 8 | Int(try self.byte())
    }
}

/// Numbers as the protocol writes them.
enum PDUBytes {
    /// Two bytes, least significant first.
    static func short(_ value: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
    }

    /// Two bytes, most significant first.
    static func bigShort(_ value: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }

    /// Four bytes, least significant first.
    static func long(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    /// A PER length determinant; for values below 0x4000. Source: X.691 section 10.9.
    static func packedLength(_ value: Int) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : Self.bigShort(value & 0x3fff | 0x8000)
    }
}

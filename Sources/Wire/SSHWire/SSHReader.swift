/// Takes the data types of SSH off the front of bytes, strictly, and never past the end.
///
/// A claimed length is held against the bytes that are there before anything is copied, so memory is bounded by the input.
/// Source: RFC 4251 section 5.
public struct SSHReader: Sendable {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    /// Reads these bytes from their start.
    public init(_ bytes: [UInt8]) {
        self.init(bytes, from: 0, to: bytes.count)
    }

    private init(_ bytes: [UInt8], from position: Int, to end: Int) {
        self.bytes = bytes
        self.position = position
        self.end = end
    }

    /// Whether everything was read.
    public var isAtEnd: Bool { self.position == self.end }

    /// How many bytes are left.
    public var remaining: Int { self.end - self.position }

    /// How many bytes of the whole input lie before the next value.
    public var offset: Int { self.position }

    /// Fails when bytes are left over.
    public func finish() throws(SSHWireError) {
        guard self.isAtEnd else { throw .trailingBytes }
    }

    /// One byte.
    public mutating func byte() throws(SSHWireError) -> UInt8 {
        try self.skip(1)
        return self.bytes[self.position - 1]
    }

    /// Four bytes, most significant first.
    public mutating func uint32() throws(SSHWireError) -> UInt32 {
        UInt32(truncatingIfNeeded: try self.bigEndian(4))
    }

    /// Eight bytes, most significant first.
    public mutating func uint64() throws(SSHWireError) -> UInt64 {
        try self.bigEndian(8)
    }

    /// That many bytes without a length in front.
    public mutating func bytes(_ count: Int) throws(SSHWireError) -> [UInt8] {
        try self.skip(count)
        return Array(self.bytes[(self.position - count)..<self.position])
    }

    /// Bytes with their length in front.
    public mutating func string() throws(SSHWireError) -> [UInt8] {
        try self.bytes(try self.length())
    }

    /// A `string` whose content must be UTF-8 without NUL.
    public mutating func text() throws(SSHWireError) -> String {
        let count = try self.length()
        try self.skip(count)
        let content = self.bytes[(self.position - count)..<self.position]
        guard !content.contains(0), let text = String(validating: content, as: UTF8.self) else {
            throw .malformedText
        }
        return text
    }

    /// A `string` whose content is itself a sequence of values; nothing is copied.
    public mutating func nested() throws(SSHWireError) -> SSHReader {
        let count = try self.length()
        try self.skip(count)
        return SSHReader(self.bytes, from: self.position - count, to: self.position)
    }

    /// A non-negative `mpint` as its magnitude, most significant byte first, without leading zeros; zero is empty.
    public mutating func magnitude() throws(SSHWireError) -> [UInt8] {
        let content = try self.string()
        guard let first = content.first else { return [] }
        if first == 0 {
            // A leading zero is there only to keep the number positive.
            guard content.count > 1, content[1] & 0x80 != 0 else { throw .malformedInteger }
            return Array(content.dropFirst())
        }
        guard first & 0x80 == 0 else { throw .malformedInteger }
        return content
    }

    private mutating func length() throws(SSHWireError) -> Int {
        Int(try self.uint32())
    }

    private mutating func bigEndian(_ count: Int) throws(SSHWireError) -> UInt64 {
        try self.skip(count)
        var value: UInt64 = 0
        for index in (self.position - count)..<self.position {
            value = value << 8 | UInt64(self.bytes[index])
        }
        return value
    }

    private mutating func skip(_ count: Int) throws(SSHWireError) {
        guard count >= 0, count <= self.end - self.position else { throw .truncated }
        self.position += count
    }
}

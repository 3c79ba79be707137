/// Puts the data types of SSH one behind the other. Source: RFC 4251 section 5.
public struct SSHWriter: Sendable {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []

    /// Starts empty, with room for about that many bytes.
    public init(capacity: Int = 256) {
        self.bytes.reserveCapacity(capacity)
    }

    /// Writes one byte.
    public mutating func write(byte: UInt8) {
        self.bytes.append(byte)
    }

    /// Writes four bytes, most significant first.
    public mutating func write(uint32 value: UInt32) {
        self.writeBigEndian(UInt64(value), 4)
    }

    /// Writes eight bytes, most significant first.
    public mutating func write(uint64 value: UInt64) {
        self.writeBigEndian(value, 8)
    }

    /// Writes bytes without their length.
    public mutating func write(raw content: some Collection<UInt8>) {
        self.bytes.append(contentsOf: content)
    }

    /// Writes a `string`: bytes with their length in front.
    public mutating func write(string content: some Collection<UInt8>) {
        self.write(uint32: UInt32(content.count))
        self.bytes.append(contentsOf: content)
    }

    /// Writes a `string` of text.
    public mutating func write(text: String) {
        self.write(string: text.utf8)
    }

    /// Writes a `string` whose content is written by `body`.
    public mutating func writeNested(_ body: (inout SSHWriter) -> Void) {
        let start = self.bytes.count
        self.write(uint32: 0)
        body(&self)
        let count = self.bytes.count - start - 4
        for index in 0..<4 {
            self.bytes[start + index] = UInt8(truncatingIfNeeded: count >> (24 - 8 * index))
        }
    }

    /// Writes a non-negative `mpint` from its magnitude; leading zeros are dropped, and one is added before a set top bit.
    public mutating func write(magnitude: some Collection<UInt8>) {
        let digits = magnitude.drop { $0 == 0 }
        let isPadded = (digits.first ?? 0) & 0x80 != 0
        self.write(uint32: UInt32(digits.count + (isPadded ? 1 : 0)))
        if isPadded {
            self.bytes.append(0)
        }
        self.bytes.append(contentsOf: digits)
    }

    private mutating func writeBigEndian(_ value: UInt64, _ count: Int) {
        for index in (0..<count).reversed() {
            self.bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index)))
        }
    }
}

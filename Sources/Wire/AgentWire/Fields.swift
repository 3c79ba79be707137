import Vocabulary

/// Writes the fields of a local message: big-endian numbers, and texts with a length in front and a zero byte behind.
///
/// The zero byte lets the name service module hand out pointers into the frame as it was received, without copying.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ value: UInt8) {
        self.bytes.append(value)
    }

    mutating func write(_ value: UInt16) {
        self.bytes.append(UInt8(truncatingIfNeeded: value >> 8))
        self.bytes.append(UInt8(truncatingIfNeeded: value))
    }

    mutating func write(_ value: UInt32) {
        self.write(UInt16(truncatingIfNeeded: value >> 16))
        self.write(UInt16(truncatingIfNeeded: value))
    }

    mutating func write(_ value: UInt64) {
        self.write(UInt32(truncatingIfNeeded: value >> 32))
        self.write(UInt32(truncatingIfNeeded: value))
    }

    mutating func write(_ text: String) throws(AgentWireError) {
        let units = Array(text.utf8)
        guard units.count <= Int(UInt16.max) else { throw .tooLong }
        guard !units.contains(0) else { throw .badText }
        self.write(UInt16(units.count))
        self.bytes += units
        self.bytes.append(0)
    }
}

extension FieldWriter {
    /// Writes a password like a text.
    mutating func write(secret: Secret<[UInt8]>) throws(AgentWireError) {
        let units = secret.withValue { $0 }
        guard units.count <= Int(UInt16.max) else { throw .tooLong }
        guard !units.contains(0) else { throw .badText }
        self.write(UInt16(units.count))
        for unit in units {
            self.write(unit)
        }
        self.write(UInt8(0))
    }
}

/// Reads what `FieldWriter` wrote; every length is checked against what is left.
struct FieldReader {
    private let bytes: [UInt8]
    private var position: Int

    init(_ bytes: [UInt8], from position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    var remaining: Int { self.bytes.count - self.position }

    mutating func byte() throws(AgentWireError) -> UInt8 {
        guard self.remaining >= 1 else { throw .truncated }
        self.position += 1
        return self.bytes[self.position - 1]
    }

    mutating func short() throws(AgentWireError) -> UInt16 {
        let high = try self.byte()
        return UInt16(high) << 8 | UInt16(try self.byte())
    }

    mutating func word() throws(AgentWireError) -> UInt32 {
        let high = try self.short()
        return UInt32(high) << 16 | UInt32(try self.short())
    }

    mutating func long() throws(AgentWireError) -> UInt64 {
        let high = try self.word()
        return UInt64(high) << 32 | UInt64(try self.word())
    }

    mutating func text() throws(AgentWireError) -> String {
        let count = Int(try self.short())
        guard self.remaining > count else { throw .truncated }
        let units = self.bytes[self.position..<self.position + count]
        guard !units.contains(0), self.bytes[self.position + count] == 0 else { throw .badText }
        guard let text = String(validating: units, as: UTF8.self) else { throw .badText }
        self.position += count + 1
        return text
    }

    /// A password: whatever somebody typed, so it need not be UTF-8.
    mutating func secret() throws(AgentWireError) -> Secret<[UInt8]> {
        let count = Int(try self.short())
        guard self.remaining > count else { throw .truncated }
        let units = self.bytes[self.position..<self.position + count]
        guard !units.contains(0), self.bytes[self.position + count] == 0 else { throw .badText }
        self.position += count + 1
        return Secret(Array(units))
    }

    func finish() throws(AgentWireError) {
        guard self.remaining == 0 else { throw .trailingBytes }
    }
}

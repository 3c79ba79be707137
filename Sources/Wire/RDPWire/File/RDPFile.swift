/// A Remote Desktop connection file: properties, one on a line, as `name:type:value`.
///
/// Names are compared without regard to case. A value never holds a line's end, so that no value can bring a property of its own.
/// Source: Microsoft, "Supported RDP properties".
public struct RDPFile: Hashable, Sendable {
    /// What a property holds.
    public enum Value: Hashable, Sendable {
        /// `s`: text.
        case text(String)
        /// `i`: a whole number.
        case number(Int)
        /// `b`: bytes in hexadecimal digits, as they stand.
        case binary(String)

        /// Type and value as they stand on the line.
        var line: String {
            switch self {
            case .text(let text): "s:" + text
            case .number(let number): "i:\(number)"
            case .binary(let digits): "b:" + digits
            }
        }
    }

    /// One line.
    public struct Property: Hashable, Sendable {
        /// The name as it is written.
        public let name: String
        /// Its value.
        public let value: Value

        var line: String { self.name + ":" + self.value.line }
    }

    /// The longest file that is read, in bytes.
    public static let longest = 64 * 1024

    /// The lines in their order.
    public private(set) var properties: [Property] = []

    /// Makes an empty file.
    public init() {}

    /// A property's value; nil when it has none.
    public subscript(name: String) -> Value? {
        let name = name.lowercased()
        return self.properties.first { $0.name.lowercased() == name }?.value
    }

    /// Sets a property in its place, or at the end.
    ///
    /// Throws `malformed` when the name or value holds a line's end, another control character, or the name a colon.
    public mutating func set(_ name: String, _ value: Value) throws(RDPWireError) {
        let isName = !name.isEmpty && !name.unicodeScalars.contains { $0 == ":" || Self.breaksLine($0) }
        guard isName, !value.line.unicodeScalars.contains(where: Self.breaksLine) else {
            throw .malformed("a property of a connection file would not stay on its line")
        }
        let property = Property(name: name, value: value)
        if let index = self.properties.firstIndex(where: { $0.name.lowercased() == name.lowercased() }) {
            self.properties[index] = property
        } else {
            self.properties.append(property)
        }
    }

    /// Takes a property away.
    public mutating func remove(_ name: String) {
        self.properties.removeAll { $0.name.lowercased() == name.lowercased() }
    }

    /// Reads a file in UTF-8, or in UTF-16 with its mark; lines that are no properties are passed over, as every client does.
    public init(parsing bytes: some Collection<UInt8>) throws(RDPWireError) {
        guard bytes.count <= Self.longest else { throw .tooLong("a connection file of \(bytes.count) bytes") }
        let bytes = Array(bytes)
        guard let text = Self.text(bytes) else { throw .malformed("a connection file is neither UTF-8 nor UTF-16") }
        for line in text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map { String($0) }
            guard parts.count == 3, !parts[0].isEmpty else { continue }
            switch parts[1].lowercased() {
            case "s": try self.set(parts[0], .text(parts[2]))
            case "i": if let number = Int(parts[2]) { try self.set(parts[0], .number(number)) }
            case "b": try self.set(parts[0], .binary(parts[2]))
            default: break
            }
        }
    }

    /// The file in UTF-8 with CR LF, without a mark at its beginning.
    public var bytes: [UInt8] {
        Array(self.properties.map { $0.line + "\r\n" }.joined().utf8)
    }

    private static func text(_ bytes: [UInt8]) -> String? {
        if bytes.starts(with: [0xFF, 0xFE]) {
            guard bytes.count % 2 == 0 else { return nil }
            let units = stride(from: 2, to: bytes.count, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
            return String(validating: units, as: UTF16.self)
        }
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        return String(validating: bytes[start...], as: UTF8.self)
    }

    // What any reader could take for the end of a line, and what no value needs.
    private static func breaksLine(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }
}

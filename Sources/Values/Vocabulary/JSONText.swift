public import FoundationEssentials

/// The one place that decides how JSON looks: sorted members, slashes as they are.
public enum JSONText {
    /// Writes a document. Hand-written because values are already valid: no error to handle, no copy through an encoder.
    static func encode(_ value: JSONValue) -> [UInt8] {
        var out: [UInt8] = []
        Self.append(value, to: &out)
        return out
    }

    /// Encodes any value in the house format; throws what its `encode(to:)` throws.
    public static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    private static func append(_ value: JSONValue, to out: inout [UInt8]) {
        switch value {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .integer(let value): out += String(value).utf8
        case .number(let value): out += (value.isFinite ? String(value) : "null").utf8
        case .string(let value): Self.append(value, to: &out)
        case .array(let elements):
            out.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                Self.append(element, to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (index, name) in members.keys.sorted().enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                Self.append(name, to: &out)
                out.append(UInt8(ascii: ":"))
                Self.append(members[name] ?? .null, to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    // RFC 8259 section 7: quotation mark, reverse solidus and control characters must be escaped.
    private static func append(_ text: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for unit in text.utf8 {
            switch unit {
            case UInt8(ascii: "\""): out += "\\\"".utf8
            case UInt8(ascii: "\\"): out += "\\\\".utf8
            case 0x0a: out += "\\n".utf8
            case 0x0d: out += "\\r".utf8
            case 0x09: out += "\\t".utf8
            case 0..<0x20: out += "\\u00\(Hex.encode([unit]))".utf8
            default: out.append(unit)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}

extension JSONText {
    /// Decodes a value from text; throws `DecodingError`.
    public static func decode<Value: Decodable>(_ type: Value.Type, from text: some StringProtocol) throws -> Value {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }
}

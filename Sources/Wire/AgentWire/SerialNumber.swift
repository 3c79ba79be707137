/// A certificate's serial number, which JSON carries as decimal text: JSON numbers lose precision above 2^53 in many readers.
public struct SerialNumber: Hashable, Sendable {
    /// The number.
    public let value: UInt64

    /// Makes a serial number.
    public init(_ value: UInt64) {
        self.value = value
    }
}

extension SerialNumber: Codable {
    /// Reads decimal text, or a number where a sender wrote one.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            guard let value = UInt64(text) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a serial number")
            }
            self.value = value
        } else {
            self.value = try container.decode(UInt64.self)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(String(self.value))
    }
}

extension SerialNumber: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: UInt64) {
        self.value = value
    }
}

extension SerialNumber: CustomStringConvertible {
    public var description: String { String(self.value) }
}

/// Reads JSON as RFC 8259 writes it, and nothing more: tokens and requests come from outside, and what one reader overlooks another may not.
struct JSONParser {
    private static let deepest = 512

    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The one value that the bytes hold.
    static func parse(_ bytes: [UInt8]) throws -> JSONValue {
        var parser = JSONParser(bytes)
        let value = try parser.value()
        parser.skipSpace()
        guard parser.index == bytes.count else { throw parser.problem("something follows the value") }
        return value
    }

    private var next: UInt8? { self.index < self.bytes.count ? self.bytes[self.index] : nil }

    private func problem(_ text: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: [], debugDescription: "not JSON at byte \(self.index): \(text)"))
    }

    private mutating func skipSpace() {
        while let unit = self.next, unit == 0x20 || unit == 0x0a || unit == 0x0d || unit == 0x09 { self.index += 1 }
    }

    private mutating func take(_ unit: UInt8) -> Bool {
        guard self.next == unit else { return false }
        self.index += 1
        return true
    }

    private mutating func value() throws -> JSONValue {
        self.skipSpace()
        switch self.next {
        case UInt8(ascii: "{"): return try self.object()
        case UInt8(ascii: "["): return try self.array()
        case UInt8(ascii: "\""): return .string(try self.string())
        case UInt8(ascii: "t"): return try self.word("true", .bool(true))
        case UInt8(ascii: "f"): return try self.word("false", .bool(false))
        case UInt8(ascii: "n"): return try self.word("null", .null)
        default: return try self.number()
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws -> JSONValue {
        for offset in 0..<word.utf8CodeUnitCount where !self.take(word.utf8Start[offset]) {
            throw self.problem("an unknown word")
        }
        return value
    }

    private mutating func enter() throws {
        self.index += 1
        self.depth += 1
        guard self.depth <= Self.deepest else { throw self.problem("nested too deep") }
    }

    private mutating func array() throws -> JSONValue {
        try self.enter()
        defer { self.depth -= 1 }
        var elements: [JSONValue] = []
        self.skipSpace()
        if self.take(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            elements.append(try self.value())
            self.skipSpace()
            if self.take(UInt8(ascii: "]")) { return .array(elements) }
            guard self.take(UInt8(ascii: ",")) else { throw self.problem("no comma between elements") }
        }
    }

    private mutating func object() throws -> JSONValue {
        try self.enter()
        defer { self.depth -= 1 }
        var members: [String: JSONValue] = [:]
        self.skipSpace()
        if self.take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            self.skipSpace()
            let name = try self.string()
            self.skipSpace()
            guard self.take(UInt8(ascii: ":")) else { throw self.problem("no colon after a name") }
            members[name] = try self.value()
            self.skipSpace()
            if self.take(UInt8(ascii: "}")) { return .object(members) }
            guard self.take(UInt8(ascii: ",")) else { throw self.problem("no comma between members") }
        }
    }

    private mutating func string() throws -> String {
        guard self.take(UInt8(ascii: "\"")) else { throw self.problem("no string") }
        let start = self.index
        while let unit = self.next, unit >= 0x20, unit != UInt8(ascii: "\""), unit != UInt8(ascii: "\\") {
            self.index += 1
        }
        if self.next == UInt8(ascii: "\"") {
            defer { self.index += 1 }
            return try self.text(self.bytes[start..<self.index])
        }
        var units = Array(self.bytes[start..<self.index])
        while let unit = self.next {
            self.index += 1
            switch unit {
            case UInt8(ascii: "\""): return try self.text(units[...])
            case UInt8(ascii: "\\"): try self.escape(into: &units)
            case 0..<0x20: throw self.problem("a control character in a string")
            default: units.append(unit)
            }
        }
        throw self.problem("a string without end")
    }

    private func text(_ units: ArraySlice<UInt8>) throws -> String {
        guard let text = String(validating: units, as: UTF8.self) else {
            throw self.problem("a string that is not UTF-8")
        }
        return text
    }

    private mutating func escape(into units: inout [UInt8]) throws {
        guard let unit = self.next else { throw self.problem("a string without end") }
        self.index += 1
        switch unit {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(unit)
        case UInt8(ascii: "b"): units.append(0x08)
        case UInt8(ascii: "f"): units.append(0x0c)
        case UInt8(ascii: "n"): units.append(0x0a)
        case UInt8(ascii: "r"): units.append(0x0d)
        case UInt8(ascii: "t"): units.append(0x09)
        case UInt8(ascii: "u"):
            var code = try self.fourDigits()
            if (0xd800..<0xdc00).contains(code) {
                // Half a surrogate pair is no character. RFC 8259 section 7.
                guard self.take(UInt8(ascii: "\\")), self.take(UInt8(ascii: "u")) else {
                    throw self.problem("half a character")
                }
                let low = try self.fourDigits()
                guard (0xdc00..<0xe000).contains(low) else { throw self.problem("half a character") }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw self.problem("half a character") }
            units += UTF8.encode(scalar).map(Array.init) ?? []
        default: throw self.problem("an unknown escape")
        }
    }

    private mutating func fourDigits() throws -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let unit = self.next, let digit = Hex.value(of: unit) else {
                throw self.problem("an unfinished escape")
            }
            code = code << 4 | UInt32(digit)
            self.index += 1
        }
        return code
    }

    private mutating func digits() throws {
        let start = self.index
        while let unit = self.next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(unit) { self.index += 1 }
        guard self.index > start else { throw self.problem("no value") }
    }

    private mutating func number() throws -> JSONValue {
        let start = self.index
        var isWhole = true
        _ = self.take(UInt8(ascii: "-"))
        if !self.take(UInt8(ascii: "0")) { try self.digits() }
        if self.take(UInt8(ascii: ".")) {
            isWhole = false
            try self.digits()
        }
        if self.take(UInt8(ascii: "e")) || self.take(UInt8(ascii: "E")) {
            isWhole = false
            if !self.take(UInt8(ascii: "-")) { _ = self.take(UInt8(ascii: "+")) }
            try self.digits()
        }
        let text = String(decoding: self.bytes[start..<self.index], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw self.problem("a number that is too large") }
        return .number(value)
    }
}

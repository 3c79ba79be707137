/// A word of an expression.
enum ExpressionToken: Hashable, Sendable {
    case name(String)
    case text(String)
    case number(Int64)
    case mark(UInt8)
}

/// Cuts the bytes of an expression into words.
enum ExpressionLexer {
    /// The words with the byte at which each begins, counted from 1 in the text with its bracket.
    static func tokens(of bytes: [UInt8]) throws(TemplateError) -> [(token: ExpressionToken, at: Int)] {
        var tokens: [(token: ExpressionToken, at: Int)] = []
        var index = 0
        while index < bytes.count {
            let at = index + 2
            switch bytes[index] {
            case 0x20, 0x09, 0x0a, 0x0d:
                index += 1
            case UInt8(ascii: "'"):
                tokens.append((.text(try Self.text(bytes, &index, at)), at))
            case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ","),
                UInt8(ascii: "."), UInt8(ascii: "?"):
                tokens.append((.mark(bytes[index]), at))
                index += 1
            case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                tokens.append((.number(try Self.number(bytes, &index, at)), at))
            case let byte where Self.beginsName(byte):
                let start = index
                while index < bytes.count, Self.continuesName(bytes[index]) { index += 1 }
                tokens.append((.name(String(decoding: bytes[start..<index], as: UTF8.self)), at))
            default:
                throw TemplateError("The expression holds a character that has no meaning there.", position: at)
            }
        }
        return tokens
    }

    private static func text(_ bytes: [UInt8], _ index: inout Int, _ at: Int) throws(TemplateError) -> String {
        var out: [UInt8] = []
        index += 1
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "'") {
                guard index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "'") else {
                    index += 1
                    return String(decoding: out, as: UTF8.self)
                }
                index += 1
            }
            out.append(bytes[index])
            index += 1
        }
        throw TemplateError("A text of the expression has no closing quotation mark.", position: at)
    }

    private static func number(_ bytes: [UInt8], _ index: inout Int, _ at: Int) throws(TemplateError) -> Int64 {
        let start = index
        index += 1
        while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { index += 1 }
        guard let value = Int64(String(decoding: bytes[start..<index], as: UTF8.self)) else {
            throw TemplateError("A number of the expression is not a whole number of 64 bits.", position: at)
        }
        return value
    }

    private static func beginsName(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func continuesName(_ byte: UInt8) -> Bool {
        Self.beginsName(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

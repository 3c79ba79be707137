import Vocabulary

/// Functions on texts. Lengths and places count UTF-16 units, as Azure does.
extension TemplateFunctions {
    static let texts: [String: LanguageFunction] = [
        "concat": LanguageFunction(1...(.max), Self.concat),
        "format": LanguageFunction(1...(.max)) { evaluator, given throws(TemplateError) in
            let text = try FormatText.make(try given.text(0), Array(given.values.dropFirst()), given)
            try evaluator.budget.spend(text.utf8.count)
            return .string(text)
        },
        "string": LanguageFunction(1...1) { evaluator, given throws(TemplateError) in
            try evaluator.budget.spend(allOf: given[0])
            return .string(Self.text(of: given[0]))
        },
        "tolower": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in .string(try given.text(0).lowercased()) }
        ),
        "toupper": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in .string(try given.text(0).uppercased()) }
        ),
        "trim": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                let isBlank = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace }
                let scalars = try given.text(0).unicodeScalars.drop(while: isBlank)
                let end = scalars.lastIndex { !isBlank($0) }
                return .string(end.map { String(String.UnicodeScalarView(scalars[...$0])) } ?? "")
            }
        ),
        "replace": LanguageFunction(3...3) { evaluator, given throws(TemplateError) in
            let old = try given.text(1)
            guard !old.isEmpty else { throw given.wrong("cannot replace an empty text.") }
            let new = try given.text(2)
            let pieces = try Self.pieces(of: try given.text(0), [old], &evaluator)
            // Before it is made: a text of a million letters replaced by texts of a million.
            try evaluator.budget.spend(pieces.count * (new.utf8.count + 1))
            return .string(pieces.joined(separator: new))
        },
        "split": LanguageFunction(2...2) { evaluator, given throws(TemplateError) in
            var separators: [String] = []
            if let one = given[1].string {
                separators = [one]
            } else {
                for one in try given.array(1) {
                    guard let text = one.string else { throw given.wrongType(1, "a string or an array of strings") }
                    separators.append(text)
                }
            }
            let pieces = try Self.pieces(of: try given.text(0), separators.filter { !$0.isEmpty }, &evaluator)
            return .array(pieces.map { .string($0) })
        },
        "join": LanguageFunction(2...2) { evaluator, given throws(TemplateError) in
            let list = try given.array(0)
            for one in list { try evaluator.budget.spend(surfaceOf: one) }
            let separator = try given.text(1)
            try evaluator.budget.spend(list.count * (separator.utf8.count + 1))
            return .string(list.map(Self.text(of:)).joined(separator: separator))
        },
        "substring": LanguageFunction(
            2...3,
            pure: { given throws(TemplateError) in
                let units = Array(try given.text(0).utf16)
                let start = try given.amount(1)
                let length = try given.count == 3 ? given.amount(2) : units.count - start
                guard start >= 0, length >= 0, start <= units.count, length <= units.count - start else {
                    throw given.wrong("was given a start and a length outside the text.")
                }
                return .string(String(decoding: units[start..<start + length], as: UTF16.self))
            }
        ),
        "padleft": LanguageFunction(2...3) { evaluator, given throws(TemplateError) in
            let text = Self.text(of: given[0])
            guard given[0].string != nil || given[0].integer != nil else {
                throw given.wrongType(0, "a string or an integer")
            }
            let padding = try given.count == 3 ? given.text(2) : " "
            let width = try given.amount(1)
            guard padding.utf16.count == 1, (0...16_384).contains(width) else {
                throw given.wrong("takes a width up to 16384 and one character.")
            }
            try evaluator.budget.spend(width)
            return .string(String(repeating: padding, count: max(0, width - text.utf16.count)) + text)
        },
        "startswith": LanguageFunction(
            2...2,
            pure: { given throws(TemplateError) in
                .bool(try given.text(0).lowercased().hasPrefix(try given.text(1).lowercased()))
            }
        ),
        "endswith": LanguageFunction(
            2...2,
            pure: { given throws(TemplateError) in
                .bool(try given.text(0).lowercased().hasSuffix(try given.text(1).lowercased()))
            }
        ),
        "base64": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                .string(Base64Text.encode(Array(try given.text(0).utf8)))
            }
        ),
        "base64tostring": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                guard let bytes = Base64Text.decode(try given.text(0)) else { throw given.wrongType(0, "base64") }
                return .string(String(decoding: bytes, as: UTF8.self))
            }
        ),
        "base64tojson": LanguageFunction(1...1) { evaluator, given throws(TemplateError) in
            guard let bytes = Base64Text.decode(try given.text(0)) else { throw given.wrongType(0, "base64") }
            return try Self.json(bytes, &evaluator, given)
        },
        "json": LanguageFunction(1...1) { evaluator, given throws(TemplateError) in
            try Self.json(Array(try given.text(0).utf8), &evaluator, given)
        },
        "datauri": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                .string("data:text/plain;charset=utf8;base64," + Base64Text.encode(Array(try given.text(0).utf8)))
            }
        ),
        "datauritostring": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                let parts = try given.text(0).split(separator: "," as Character, maxSplits: 1)
                guard parts.count == 2, parts[0].hasPrefix("data:"), parts[0].hasSuffix(";base64"),
                    let bytes = Base64Text.decode(parts[1])
                else { throw given.wrongType(0, "a data URI in base64") }
                return .string(String(decoding: bytes, as: UTF8.self))
            }
        ),
        "uricomponent": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                .string(URIText.encoded(try given.text(0)))
            }
        ),
        "uricomponenttostring": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                guard let text = URIText.decoded(try given.text(0)) else { throw given.wrongType(0, "percent-encoded") }
                return .string(text)
            }
        ),
        "uri": LanguageFunction(
            2...2,
            pure: { given throws(TemplateError) in
                .string(URIText.combined(try given.text(0), try given.text(1)))
            }
        ),
        "uniquestring": LanguageFunction(
            1...(.max),
            pure: { given throws(TemplateError) in
                .string(StableName.short(try Self.parts(given)))
            }
        ),
        "guid": LanguageFunction(
            1...(.max),
            pure: { given throws(TemplateError) in
                .string(StableName.guid(try Self.parts(given)))
            }
        ),
        "newguid": LanguageFunction(0...0) { evaluator, given throws(TemplateError) in
            guard evaluator.phase == .defaults else {
                throw given.wrong("is only allowed in the default value of a parameter.")
            }
            return .string(GUID(from: evaluator.surroundings.random).description)
        },
    ]

    /// The text that a value becomes where a text is wanted: truth values are written as .NET writes them.
    static func text(of value: JSONValue) -> String {
        switch value {
        case .string(let text): text
        case .bool(let truth): truth ? "True" : "False"
        case .null: ""
        default: value.text
        }
    }

    private static func parts(_ given: Arguments) throws(TemplateError) -> [String] {
        var parts: [String] = []
        for (index, value) in given.values.enumerated() {
            guard value.array == nil, value.object == nil else { throw given.wrongType(index, "a string") }
            parts.append(Self.text(of: value))
        }
        return parts
    }

    // Texts with texts, or arrays with arrays.
    @Sendable private static func concat(_ evaluator: inout Evaluator, _ given: Arguments) throws(TemplateError)
        -> JSONValue
    {
        if given[0].array != nil {
            var out: [JSONValue] = []
            for index in given.values.indices {
                let list = try given.array(index)
                try evaluator.budget.spend(list.count)
                out += list
            }
            return .array(out)
        }
        var out = ""
        for (index, value) in given.values.enumerated() {
            guard value.array == nil, value.object == nil else {
                throw given.wrongType(index, "a string like the others")
            }
            let text = Self.text(of: value)
            try evaluator.budget.spend(text.utf8.count / 4 + 1)
            out += text
        }
        return .string(out)
    }

    // The parts of a text between any of the separators, empty ones too; the first separator that fits at a place counts.
    private static func pieces(of text: String, _ separators: [String], _ evaluator: inout Evaluator)
        throws(TemplateError) -> [String]
    {
        guard !separators.isEmpty else { return [text] }
        let bytes = Array(text.utf8)
        var lengths: [Int: Int] = [:]
        for separator in separators {
            // Each one takes a walk through all of the text.
            try evaluator.budget.spend((bytes.count + separator.utf8.count) / 8 + 1)
            let mark = Array(separator.utf8)
            TextSearch(mark).each(in: bytes) { place in
                if lengths[place] == nil { lengths[place] = mark.count }
                return true
            }
        }
        var pieces: [String] = []
        var start = 0
        for place in lengths.keys.sorted() where place >= start {
            pieces.append(String(decoding: bytes[start..<place], as: UTF8.self))
            start = place + (lengths[place] ?? 0)
        }
        pieces.append(String(decoding: bytes[start...], as: UTF8.self))
        return pieces
    }

    private static func json(_ bytes: [UInt8], _ evaluator: inout Evaluator, _ given: Arguments) throws(TemplateError)
        -> JSONValue
    {
        try evaluator.budget.spend(bytes.count)
        guard let value = try? JSONValue(parsing: bytes) else { throw given.wrongType(0, "a JSON document") }
        return value
    }
}

/// The composite format of .NET, as far as templates use it: `{0}`, `{0,10}`, `{0:D3}`, `{0:X2}`, `{{` and `}}`.
enum FormatText {
    static func make(_ format: String, _ values: [JSONValue], _ given: Arguments) throws(TemplateError) -> String {
        let bytes = Array(format.utf8)
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            guard byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") else {
                out.append(byte)
                index += 1
                continue
            }
            if index + 1 < bytes.count, bytes[index + 1] == byte {
                out.append(byte)
                index += 2
                continue
            }
            guard byte == UInt8(ascii: "{"), let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else {
                throw given.wrong("was given a format with a bracket that is not closed or not doubled.")
            }
            out += try Self.item(String(decoding: bytes[(index + 1)..<end], as: UTF8.self), values, given).utf8
            guard out.count <= WorkBudget.largest else { throw given.wrong("makes a text of more than 4 MB.") }
            index = end + 1
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func item(_ item: String, _ values: [JSONValue], _ given: Arguments) throws(TemplateError) -> String
    {
        let halves = item.split(separator: ":" as Character, maxSplits: 1, omittingEmptySubsequences: false)
        let parts = (halves.first ?? "").split(separator: "," as Character, omittingEmptySubsequences: false)
        guard let first = parts.first, let place = Int(first.filter { $0 != " " }), values.indices.contains(place)
        else {
            throw given.wrong("names a value in its format that was not given.")
        }
        var text = TemplateFunctions.text(of: values[place])
        if halves.count == 2 {
            guard
                let number = values[place].integer, let letter = halves[1].first,
                let digits = halves[1].count == 1 ? 0 : Int(halves[1].dropFirst()), (0...64).contains(digits)
            else { throw given.wrong("knows the formats D and X with a number of digits.") }
            let plain: String
            switch letter {
            case "D", "d": plain = String(number.magnitude)
            case "X": plain = String(UInt64(bitPattern: number), radix: 16, uppercase: true)
            case "x": plain = String(UInt64(bitPattern: number), radix: 16)
            default: throw given.wrong("knows the formats D and X with a number of digits.")
            }
            let sign = number < 0 && (letter == "D" || letter == "d") ? "-" : ""
            text = sign + String(repeating: "0", count: max(0, digits - plain.utf8.count)) + plain
        }
        guard parts.count == 2 else { return text }
        guard let width = Int(parts[1].filter { $0 != " " }), (-1024...1024).contains(width) else {
            throw given.wrong("takes a width up to 1024.")
        }
        let padding = String(repeating: " ", count: max(0, abs(width) - text.utf16.count))
        return width < 0 ? text + padding : padding + text
    }
}

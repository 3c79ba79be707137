import Vocabulary

/// Functions on points in time, which templates write as text in UTC.
extension TemplateFunctions {
    static let dates: [String: LanguageFunction] = [
        "utcnow": LanguageFunction(0...1) { evaluator, given throws(TemplateError) in
            guard evaluator.phase == .defaults else {
                throw given.wrong("is only allowed in the default value of a parameter.")
            }
            let format = try given.count == 1 ? given.text(0) : "yyyyMMddTHHmmssZ"
            return .string(try Self.text(of: evaluator.surroundings.now, format, given))
        },
        "datetimetoepoch": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                .integer(try Self.instant(given, 0).seconds)
            }
        ),
        "datetimefromepoch": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                .string(
                    String(Instant(seconds: try Self.bounded(given.integer(0), given)).description.prefix(19)) + "Z"
                )
            }
        ),
        "datetimeadd": LanguageFunction(
            2...3,
            pure: { given throws(TemplateError) in
                guard let seconds = Self.seconds(of: try given.text(1)) else {
                    throw given.wrongType(1, "a duration such as P1DT2H or -PT30M")
                }
                let start = try Self.instant(given, 0)
                let end = Instant(seconds: try Self.bounded(start.seconds + seconds, given))
                return .string(try Self.text(of: end, given.count == 3 ? given.text(2) : "yyyy-MM-ddTHH:mm:ssZ", given))
            }
        ),
    ]

    // Years 1 to 9999, which is what the text form has room for.
    private static func bounded(_ seconds: Int64, _ given: Arguments) throws(TemplateError) -> Int64 {
        guard (-62_135_596_800...253_402_300_799).contains(seconds) else { throw given.wrong("leaves the calendar.") }
        return seconds
    }

    // RFC 3339 or the compact form, in UTC.
    private static func instant(_ given: Arguments, _ index: Int) throws(TemplateError) -> Instant {
        let digits = try given.text(index).utf8.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let number = { (range: Range<Int>) -> Int64 in
            guard range.upperBound <= digits.count else { return 0 }
            return digits[range].reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
        }
        let (year, month, day) = (number(0..<4), number(4..<6), number(6..<8))
        let (hour, minute, second) = (number(8..<10), number(10..<12), number(12..<14))
        guard digits.count >= 8, (1...12).contains(month), (1...31).contains(day), year > 0, hour < 24, minute < 60,
            second < 60
        else { throw given.wrongType(index, "a time in UTC such as 2026-01-31T12:00:00Z") }
        // Civil date to days by the era method: 400 Gregorian years are 146,097 days.
        let shifted = month > 2 ? year : year - 1
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return Instant(seconds: days * 86_400 + hour * 3600 + minute * 60 + second)
    }

    // Years count 365 days and months 30, as .NET reads durations.
    private static func seconds(of text: String) -> Int64? {
        var rest = text.uppercased()[...]
        let sign: Int64 = rest.hasPrefix("-") ? -1 : 1
        if sign < 0 { rest = rest.dropFirst() }
        guard rest.popFirst() == "P", !rest.isEmpty else { return nil }
        var seconds: Int64 = 0
        var isTime = false
        var number: Int64?
        for character in rest {
            if let digit = character.wholeNumberValue, character.isASCII {
                let next = (number ?? 0) * 10 + Int64(digit)
                guard next < 1_000_000_000 else { return nil }
                number = next
                continue
            }
            if character == "T" {
                guard !isTime, number == nil else { return nil }
                isTime = true
                continue
            }
            let units: [Character: Int64] =
                isTime ? ["H": 3600, "M": 60, "S": 1] : ["Y": 31_536_000, "M": 2_592_000, "W": 604_800, "D": 86_400]
            guard let amount = number, let unit = units[character] else { return nil }
            seconds += amount * unit
            number = nil
        }
        return number == nil ? sign * seconds : nil
    }

    // Standard formats o, s, u, d and t, and the letters of custom ones. Source: .NET, "Custom date and time format strings".
    private static func text(of instant: Instant, _ format: String, _ given: Arguments) throws(TemplateError) -> String
    {
        let digits = Array(instant.description)
        guard digits.count == 24, format.utf8.count <= 100 else {
            throw given.wrong("was given a format that is too long.")
        }
        let parts: [String: String] = [
            "yyyy": String(digits[0..<4]), "yy": String(digits[2..<4]), "MM": String(digits[5..<7]),
            "dd": String(digits[8..<10]), "HH": String(digits[11..<13]), "mm": String(digits[14..<16]),
            "ss": String(digits[17..<19]), "fff": String(digits[20..<23]),
        ]
        let standard = [
            "o": "yyyy-MM-ddTHH:mm:ss.fffZ", "s": "yyyy-MM-ddTHH:mm:ss", "u": "yyyy-MM-dd HH:mm:ssZ", "d": "MM/dd/yyyy",
            "t": "HH:mm",
        ]
        let letters = Array(standard[format.lowercased()] ?? format)
        var out = ""
        var index = 0
        while index < letters.count {
            var end = index
            while end < letters.count, letters[end] == letters[index] { end += 1 }
            let run = String(letters[index..<end])
            if let part = parts[run] {
                out += part
            } else if "yMdHmsfhFgt".contains(letters[index]), run != "T" {
                let single = ["M": "MM", "d": "dd", "H": "HH", "m": "mm", "s": "ss"][run].flatMap { parts[$0] }
                guard let single, let number = Int(single) else {
                    throw given.wrong("does not know '\(PrintableText.of(run, limit: 16))' in a format.")
                }
                out += String(number)
            } else {
                out += run
            }
            index = end
        }
        return out
    }
}

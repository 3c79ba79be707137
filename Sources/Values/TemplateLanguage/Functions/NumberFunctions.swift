import Vocabulary

/// Functions on numbers and comparisons.
extension TemplateFunctions {
    static let numbers: [String: LanguageFunction] = [
        "add": Self.calculation { $0.addingReportingOverflow($1) },
        "sub": Self.calculation { $0.subtractingReportingOverflow($1) },
        "mul": Self.calculation { $0.multipliedReportingOverflow(by: $1) },
        "div": Self.calculation(divides: true) { $0.dividedReportingOverflow(by: $1) },
        "mod": Self.calculation(divides: true) { $0.remainderReportingOverflow(dividingBy: $1) },
        "min": Self.extreme { $0 < $1 },
        "max": Self.extreme { $0 > $1 },
        "int": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                if let number = given[0].integer { return .integer(number) }
                if let number = given[0].number, let whole = Int64(exactly: number.rounded(.towardZero)) {
                    return .integer(whole)
                }
                guard let number = given[0].string.flatMap({ Int64($0) }) else {
                    throw given.wrongType(0, "an integer or a string that holds one")
                }
                return .integer(number)
            }
        ),
        "float": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                guard let number = given[0].number ?? given[0].string.flatMap({ Double($0) }), number.isFinite else {
                    throw given.wrongType(0, "a number or a string that holds one")
                }
                return .number(number)
            }
        ),
        "bool": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                if let truth = given[0].bool { return .bool(truth) }
                if let number = given[0].integer { return .bool(number != 0) }
                switch given[0].string?.lowercased() {
                case "true", "1": return true
                case "false", "0": return false
                default: throw given.wrongType(0, "true, false, 1 or 0")
                }
            }
        ),
        "less": Self.comparison { $0 < 0 },
        "lessorequals": Self.comparison { $0 <= 0 },
        "greater": Self.comparison { $0 > 0 },
        "greaterorequals": Self.comparison { $0 >= 0 },
    ]

    private static func calculation(
        divides: Bool = false,
        _ calculate: @escaping @Sendable (Int64, Int64) -> (partialValue: Int64, overflow: Bool)
    ) -> LanguageFunction {
        LanguageFunction(
            2...2,
            pure: { given throws(TemplateError) in
                let right = try given.integer(1)
                let left = try given.integer(0)
                guard !divides || right != 0 else { throw given.wrong("cannot divide by zero.") }
                let (value, overflow) = calculate(left, right)
                guard !overflow else { throw given.wrong("gives a number of more than 64 bits.") }
                return .integer(value)
            }
        )
    }

    private static func extreme(_ precedes: @escaping @Sendable (Int64, Int64) -> Bool) -> LanguageFunction {
        LanguageFunction(
            1...(.max),
            pure: { given throws(TemplateError) in
                let list = given.count == 1 ? given[0].array ?? given.values : given.values
                var best: Int64?
                for value in list {
                    guard let number = value.integer else { throw given.wrongType(0, "integers or an array of them") }
                    if best.map({ precedes(number, $0) }) ?? true { best = number }
                }
                guard let best else { throw given.wrong("was given an empty array.") }
                return .integer(best)
            }
        )
    }

    // Numbers with numbers, texts with texts, by their code points.
    private static func comparison(_ admits: @escaping @Sendable (Int) -> Bool) -> LanguageFunction {
        LanguageFunction(
            2...2,
            pure: { given throws(TemplateError) in
                if let left = given[0].number, let right = given[1].number {
                    return .bool(admits(left < right ? -1 : left == right ? 0 : 1))
                }
                let left = Array(try given.text(0).unicodeScalars.map(\.value))
                let right = Array(try given.text(1).unicodeScalars.map(\.value))
                return .bool(admits(left == right ? 0 : left.lexicographicallyPrecedes(right) ? -1 : 1))
            }
        )
    }
}

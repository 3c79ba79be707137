import Vocabulary

/// The texts of settings, wherever they were given: the command line wins, then the environment, then the file.
struct GivenSettings {
    let flags: [Setting: String]
    let environment: [String: String]
    let file: [String: String]

    /// The text as it was given; nil for none.
    func text(_ setting: Setting) -> String? {
        self.flags[setting] ?? self.environment[setting.variable] ?? self.file[setting.rawValue]
    }

    /// A whole number within a range; nil for none.
    func number(_ setting: Setting, _ range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = self.text(setting) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw Self.invalid(setting, "a whole number from \(range.lowerBound) to \(range.upperBound)", text)
        }
        return value
    }

    /// The words between commas.
    func list(_ setting: Setting) -> [String] {
        (self.text(setting) ?? "").split(separator: ",").map { String($0.trimmingPrefix(" ")) }.filter { !$0.isEmpty }
    }

    /// `true` or `false`; `usual` for none.
    func flag(_ setting: Setting, default usual: Bool) throws(Problem) -> Bool {
        switch self.text(setting) {
        case nil: return usual
        case "true": return true
        case "false": return false
        case let other?: throw Self.invalid(setting, "true or false", other)
        }
    }

    /// Says what a setting must be.
    static func invalid(_ setting: Setting, _ wanted: String, _ got: String) -> Problem {
        Problem(
            "InvalidSetting",
            shown: "The setting \(setting.rawValue) must be \(wanted); it is '\(PrintableText.of(got, limit: 100))'."
        )
    }
}

import Vocabulary

/// What a parameter of a template may be. Source: Azure Resource Manager, "Parameters in ARM templates".
struct ParameterDefinition: Sendable {
    /// The types of the language.
    enum Kind: String, Sendable, CaseIterable {
        case text = "String"
        case secureText = "SecureString"
        case integer = "Int"
        case truth = "Bool"
        case object = "Object"
        case secureObject = "SecureObject"
        case array = "Array"

        /// Reads the name in any letter case.
        init?(named text: String) {
            let lower = text.lowercased()
            guard let kind = Self.allCases.first(where: { $0.rawValue.lowercased() == lower }) else { return nil }
            self = kind
        }

        /// Whether values must not be seen.
        var isSecure: Bool { self == .secureText || self == .secureObject }

        /// Whether a value is of this type.
        func admits(_ value: JSONValue) -> Bool {
            switch self {
            case .text, .secureText: value.string != nil
            case .integer: value.integer != nil
            case .truth: value.bool != nil
            case .object, .secureObject: value.object != nil
            case .array: value.array != nil
            }
        }
    }

    let name: String
    let kind: Kind
    let initial: JSONValue?
    private let allowed: [JSONValue]?
    private let values: ClosedRange<Int64>
    private let lengths: ClosedRange<Int64>
    private let isNullable: Bool

    /// Reads a definition.
    init(_ name: String, reading document: JSONValue) throws(TemplateError) {
        let place = "parameters.\(name)"
        guard let type = document.member("type")?.string, let kind = Kind(named: type) else {
            throw TemplateError(
                "The parameter needs a 'type': string, securestring, int, bool, object, secureObject or array.",
                at: place
            )
        }
        self.name = name
        self.kind = kind
        self.initial = document.member("defaultValue")
        self.allowed = document.member("allowedValues")?.array
        self.isNullable = document.member("nullable")?.bool ?? false
        self.values = try Self.range(document, "minValue", "maxValue", place)
        self.lengths = try Self.range(document, "minLength", "maxLength", place)
        if let initial = self.initial, !initial.isNull, initial.string?.hasPrefix("[") != true, !kind.admits(initial) {
            throw TemplateError("The default value is not of type '\(kind.rawValue)'.", at: place)
        }
    }

    private static func range(_ document: JSONValue, _ low: String, _ high: String, _ place: String)
        throws(TemplateError) -> ClosedRange<Int64>
    {
        let least = document.member(low).map(\.integer) ?? .min
        let most = document.member(high).map(\.integer) ?? .max
        guard let least, let most, least <= most else {
            throw TemplateError("'\(low)' and '\(high)' are whole numbers in that order.", at: place)
        }
        return least...most
    }

    /// Throws unless the value may be given.
    func check(_ value: JSONValue) throws(TemplateError) {
        let place = "parameters.\(self.name)"
        if value.isNull, self.isNullable { return }
        guard self.kind.admits(value) else {
            throw TemplateError(
                "The provided value for the template parameter '\(PrintableText.of(self.name))' is not of type "
                    + "'\(self.kind.rawValue)'.",
                at: place
            )
        }
        if let allowed = self.allowed {
            let given = value.array.map { $0 } ?? [value]
            guard allowed.contains(value) || (value.array != nil && given.allSatisfy(allowed.contains)) else {
                throw TemplateError(
                    "The provided value for the template parameter '\(PrintableText.of(self.name))' is not one of its "
                        + "allowed values\(self.allowedNames).",
                    at: place
                )
            }
        }
        if let number = value.integer, !self.values.contains(number) {
            throw TemplateError(
                "The provided value for the template parameter '\(PrintableText.of(self.name))' is not between "
                    + "minValue and maxValue.",
                at: place
            )
        }
        let length = value.string.map { $0.utf16.count } ?? value.array?.count
        if let length, !self.lengths.contains(Int64(length)) {
            throw TemplateError(
                "The provided value for the template parameter '\(PrintableText.of(self.name))' is not as long as "
                    + "minLength and maxLength demand.",
                at: place
            )
        }
    }

    private var allowedNames: String {
        guard !self.kind.isSecure, let allowed = self.allowed else { return "" }
        let names = allowed.prefix(20).map { PrintableText.of($0.string ?? $0.text, limit: 64) }
        return ": " + names.joined(separator: ", ")
    }
}

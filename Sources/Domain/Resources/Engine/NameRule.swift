/// What a resource may be called. Source: Azure naming rules and restrictions.
struct NameRule: Sendable {
    let longest: Int
    let extra: String

    /// Letters, digits, `-`, `_`, `.`.
    static let ordinary = NameRule(longest: 80, extra: "-_.")
    /// Resource groups take parentheses too.
    static let resourceGroup = NameRule(longest: 90, extra: "-_.()")

    /// Whether a name may be used.
    func allows(_ name: String) -> Bool {
        guard !name.isEmpty, name.count <= self.longest, name.last != "." else { return false }
        guard let first = name.first, first.isLetter || first.isNumber || first == "_" || self.extra.contains("(")
        else {
            return false
        }
        return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || self.extra.contains($0)) }
    }
}

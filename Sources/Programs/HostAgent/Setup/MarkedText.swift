/// Parts of a configuration file that are ours, between two marking lines, so that they can be replaced and taken out again.
enum MarkedText {
    /// The line that begins a part.
    static func begin(_ part: String) -> String { "# BEGIN sallyport \(part) (managed by sally-agent)" }
    /// The line that ends a part.
    static func end(_ part: String) -> String { "# END sallyport \(part)" }

    /// A part with its marks, ending in a line end.
    static func block(_ part: String, _ lines: [String]) -> String {
        ([Self.begin(part)] + lines + [Self.end(part)]).map { $0 + "\n" }.joined()
    }

    /// The text without any of our parts.
    static func removingAll(from text: String) -> String {
        var kept: [Substring] = []
        var isInside = false
        for line in text.split(separator: "\n" as Character, omittingEmptySubsequences: false) {
            if line.hasPrefix("# BEGIN sallyport ") { isInside = true }
            if !isInside { kept.append(line) }
            if line.hasPrefix("# END sallyport ") { isInside = false }
        }
        return kept.joined(separator: "\n")
    }

    /// The lines of our parts.
    static func lines(in text: String) -> [Substring] {
        var found: [Substring] = []
        var isInside = false
        for line in text.split(separator: "\n" as Character) {
            if line.hasPrefix("# END sallyport ") { isInside = false }
            if isInside { found.append(line) }
            if line.hasPrefix("# BEGIN sallyport ") { isInside = true }
        }
        return found
    }

    /// The text with a line end behind it, if it has anything in it.
    static func ended(_ text: String) -> String {
        text.isEmpty || text.hasSuffix("\n") ? text : text + "\n"
    }
}

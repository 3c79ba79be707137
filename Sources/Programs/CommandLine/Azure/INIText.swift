/// A text of sections and settings, as the Azure CLI keeps its own: changed line by line, so that what is not meant stays as it is.
struct INIText: Hashable, Sendable {
    private(set) var lines: [Substring]

    /// Takes a text apart.
    init(_ text: String) {
        self.lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if self.lines.last?.isEmpty == true { self.lines.removeLast() }
    }

    /// The text again.
    var text: String { self.lines.isEmpty ? "" : self.lines.joined(separator: "\n") + "\n" }

    /// A section with its heading; nil when there is none.
    func section(_ name: String) -> String? {
        self.range(of: name).map { self.lines[$0].joined(separator: "\n") + "\n" }
    }

    /// Puts a section in place of the one of that name; nil takes it away.
    mutating func replaceSection(_ name: String, with text: String?) {
        let new = text.map { INIText($0).lines } ?? []
        if let range = self.range(of: name) {
            self.lines.replaceSubrange(range, with: new)
        } else {
            self.lines += new
        }
    }

    /// A setting's value; nil when it is not set.
    func value(_ key: String, in section: String) -> String? {
        self.line(of: key, in: section).map { index in
            Self.trimmed(self.lines[index].drop { $0 != "=" }.dropFirst())
        }
    }

    /// Sets a value; nil takes the setting away, and its section when nothing else is in it.
    mutating func set(_ key: String, in section: String, to value: String?) {
        let line = value.map { "\(key) = \($0)"[...] }
        if let index = self.line(of: key, in: section) {
            self.lines.replaceSubrange(index...index, with: line.map { [$0] } ?? [])
        } else if let line {
            if let range = self.range(of: section) {
                self.lines.insert(line, at: range.lowerBound + 1)
            } else {
                self.lines += ["[\(section)]", line]
            }
        }
        if value == nil, let range = self.range(of: section),
            self.lines[range].dropFirst().allSatisfy({ Self.trimmed($0).isEmpty })
        {
            self.lines.removeSubrange(range)
        }
    }

    private func range(of section: String) -> Range<Int>? {
        guard let start = self.lines.firstIndex(where: { Self.trimmed($0) == "[\(section)]" }) else { return nil }
        let after = start + 1
        let end = self.lines[after...].firstIndex { Self.trimmed($0).hasPrefix("[") } ?? self.lines.endIndex
        return start..<end
    }

    private func line(of key: String, in section: String) -> Int? {
        guard let range = self.range(of: section) else { return nil }
        return range.dropFirst().first { index in
            self.lines[index].contains("=") && Self.trimmed(self.lines[index].prefix { $0 != "=" }) == key
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while let last = text.last, last == " " || last == "\t" || last == "\r" { text.removeLast() }
        return String(text.drop { $0 == " " || $0 == "\t" })
    }
}

/// A set of action patterns, prepared once for many questions.
///
/// `*` stands for any run of characters, slashes included. `/*/` may also stand for a single slash, so that
/// `Microsoft.Compute/virtualMachines/*/read` covers `Microsoft.Compute/virtualMachines/read`: the login roles are
/// meant to let their holders see the machine. Source: Azure custom roles, "Wildcards".
struct ActionPatterns: Sendable, Hashable {
    private var names: Set<String> = []
    private var patterns: [ActionPattern] = []

    init(_ texts: [String]) {
        for text in texts.map({ $0.lowercased() }) {
            if let pattern = ActionPattern(text) {
                self.patterns.append(pattern)
            } else {
                self.names.insert(text)
            }
        }
    }

    /// Whether one of the patterns covers the action's lower-case name.
    func cover(_ key: String) -> Bool {
        if self.names.contains(key) { return true }
        if self.patterns.isEmpty { return false }
        return key.utf8.withContiguousStorageIfAvailable { bytes in
            self.patterns.contains { $0.covers(bytes) }
        }
            ?? Array(key.utf8).withUnsafeBufferPointer { bytes in
                self.patterns.contains { $0.covers(bytes) }
            }
    }
}

/// One pattern with at least one `*`, kept as the pieces between its stars.
struct ActionPattern: Sendable, Hashable {
    private static let slash = UInt8(ascii: "/")

    private let first: [UInt8]
    private let middle: [[UInt8]]
    private let last: [UInt8]

    /// Nil for a text without a star: that is a name, not a pattern.
    init?(_ text: String) {
        let pieces = text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
        guard pieces.count > 1 else { return nil }
        self.first = pieces[0]
        self.last = pieces[pieces.count - 1]
        self.middle = pieces.dropFirst().dropLast().filter { !$0.isEmpty }
    }

    /// Whether a pattern with any number of stars, none included, covers a whole text. Both are short.
    static func covers(_ text: String, pattern: String) -> Bool {
        guard let prepared = ActionPattern(pattern) else { return text == pattern }
        return Array(text.utf8).withUnsafeBufferPointer { prepared.covers($0) }
    }

    /// Whether the pattern covers the whole text: each piece at its earliest place, which never loses a match.
    func covers(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard text.count >= self.first.count, text.prefix(self.first.count).elementsEqual(self.first) else {
            return false
        }
        var start = self.first.count
        var before = self.first
        for piece in self.middle {
            let earliest = start - Self.overlap(before, piece)
            guard let place = Self.place(of: piece, in: text, from: earliest) else { return false }
            start = place + piece.count
            before = piece
        }
        return text.count - self.last.count >= start - Self.overlap(before, self.last)
            && text.suffix(self.last.count).elementsEqual(self.last)
    }

    // The two slashes around a star may be the same one.
    private static func overlap(_ before: [UInt8], _ after: [UInt8]) -> Int {
        before.last == Self.slash && after.first == Self.slash ? 1 : 0
    }

    private static func place(of piece: [UInt8], in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        guard text.count - start >= piece.count else { return nil }
        return (start...(text.count - piece.count)).first { text[$0..<($0 + piece.count)].elementsEqual(piece) }
    }
}

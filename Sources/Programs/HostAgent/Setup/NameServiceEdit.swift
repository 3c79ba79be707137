/// Puts our name service into `nsswitch.conf`, and takes it out. Source: nsswitch.conf(5).
enum NameServiceEdit {
    private static let service = "sallyport"
    private static let databases = ["passwd", "group", "initgroups"]

    /// The text with our service in the lines for accounts and groups; `initgroups` only where there is such a line.
    ///
    /// Directly after `files`, so that local names stay local and slower services are not asked for our names first.
    static func adding(to text: String) -> String {
        var lines = text.split(separator: "\n" as Character, omittingEmptySubsequences: false).map(String.init)
        var seen: Set<String> = []
        for (index, line) in lines.enumerated() {
            guard let (database, rest) = Self.split(line), Self.databases.contains(database) else { continue }
            seen.insert(database)
            guard !Self.names(service: rest) else { continue }
            lines[index] = String(line.dropLast(rest.count)) + Self.inserting(into: rest)
        }
        for database in ["passwd", "group"] where !seen.contains(database) {
            if lines.last == "" { lines.removeLast() }
            lines += ["\(database): files \(Self.service)", ""]
        }
        return lines.joined(separator: "\n")
    }

    /// The text without our service.
    static func removing(from text: String) -> String {
        text.split(separator: "\n" as Character, omittingEmptySubsequences: false)
            .map { line in
                guard let (database, old) = Self.split(String(line)), Self.databases.contains(database),
                    let found = Self.ranges(of: old).first(where: { old[$0] == Self.service })
                else { return String(line) }
                var rest = old
                // The space in front was put there with it.
                let start = found.lowerBound > rest.startIndex ? rest.index(before: found.lowerBound) : found.lowerBound
                rest.removeSubrange(start..<found.upperBound)
                return String(line.dropLast(old.count)) + rest
            }
            .joined(separator: "\n")
    }

    /// Whether both data bases ask our service.
    static func isAdded(to text: String) -> Bool {
        let lines = text.split(separator: "\n" as Character).compactMap { Self.split(String($0)) }
        return ["passwd", "group"].allSatisfy { database in
            lines.contains { $0.0 == database && Self.names(service: $0.1) }
        }
    }

    private static func inserting(into rest: String) -> String {
        let ranges = Self.ranges(of: rest)
        for (index, range) in ranges.enumerated() where ["files", "compat"].contains(rest[range]) {
            // A bracket after `files` says what to do with its result, and must stay behind it.
            if index + 1 < ranges.count, rest[ranges[index + 1]].hasPrefix("[") { break }
            var rest = rest
            rest.insert(contentsOf: " \(Self.service)", at: range.upperBound)
            return rest
        }
        var rest = rest
        if let last = ranges.last {
            rest.insert(contentsOf: " \(Self.service)", at: last.upperBound)
        } else {
            rest = " files \(Self.service)"
        }
        return rest
    }

    /// The data base and everything after the colon; nil for a comment or something else.
    private static func split(_ line: String) -> (String, String)? {
        guard let colon = line.firstIndex(of: ":") else { return nil }
        let name = line[..<colon].trimmed
        guard !name.isEmpty, !name.hasPrefix("#") else { return nil }
        return (name, String(line[line.index(after: colon)...]))
    }

    private static func names(service rest: String) -> Bool {
        Self.words(rest).contains { $0 == Self.service }
    }

    private static func words(_ rest: String) -> [Substring] {
        Self.ranges(of: rest).map { rest[$0] }
    }

    /// Where the words are, up to a comment. A bracketed action counts as one word although it may hold spaces.
    private static func ranges(of rest: String) -> [Range<String.Index>] {
        var ranges: [Range<String.Index>] = []
        var start: String.Index?
        var depth = 0
        for index in rest.indices {
            let character = rest[index]
            if character == "#" && depth == 0 {
                if let begun = start { ranges.append(begun..<index) }
                return ranges
            }
            if character == "[" { depth += 1 }
            let isSpace = (character == " " || character == "\t") && depth == 0
            if character == "]" { depth = max(0, depth - 1) }
            if isSpace, let begun = start {
                ranges.append(begun..<index)
                start = nil
            } else if !isSpace, start == nil {
                start = index
            }
        }
        if let begun = start { ranges.append(begun..<rest.endIndex) }
        return ranges
    }
}

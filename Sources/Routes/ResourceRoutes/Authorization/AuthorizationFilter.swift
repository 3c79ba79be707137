import Vocabulary

/// A `$filter` of role assignments and role definitions: terms joined by `and`.
///
/// A term that is not known is refused: ignoring it would show more than was asked for. Source: Azure RBAC, "List role
/// assignments".
struct AuthorizationFilter: Sendable, Hashable {
    enum Term: Sendable, Hashable {
        /// A function with at most one argument, for example `atScope()`, `assignedTo('…')`; the name in lower case.
        case function(String, String?)
        /// `name eq 'value'`; the name in lower case.
        case equals(String, String)
    }

    let terms: [Term]

    /// Reads a filter; nil or empty text has no terms. Throws InvalidFilter.
    init(_ text: String?) throws(Problem) {
        var scanner = Scanner(rest: (text ?? "")[...])
        guard let terms = scanner.terms() else {
            throw .invalidFilter("'\(PrintableText.of(text ?? "", limit: 128))' cannot be read")
        }
        self.terms = terms
    }

    private struct Scanner {
        var rest: Substring

        mutating func terms() -> [Term]? {
            self.skipBlanks()
            if self.rest.isEmpty { return [] }
            var terms: [Term] = []
            while true {
                guard terms.count < 8, let term = self.term() else { return nil }
                terms.append(term)
                self.skipBlanks()
                if self.rest.isEmpty { return terms }
                guard self.word()?.lowercased() == "and" else { return nil }
            }
        }

        private mutating func term() -> Term? {
            guard let name = self.word()?.lowercased() else { return nil }
            self.skipBlanks()
            if self.take("(") {
                self.skipBlanks()
                if self.take(")") { return .function(name, nil) }
                guard let argument = self.quoted() else { return nil }
                self.skipBlanks()
                return self.take(")") ? .function(name, argument) : nil
            }
            guard self.word()?.lowercased() == "eq" else { return nil }
            self.skipBlanks()
            return self.quoted().map { .equals(name, $0) }
        }

        // OData writes a quote inside a string twice.
        private mutating func quoted() -> String? {
            guard self.take("'") else { return nil }
            var value = ""
            while let next = self.rest.popFirst() {
                if next != "'" {
                    value.append(next)
                } else if !self.take("'") {
                    return value
                } else {
                    value.append("'")
                }
            }
            return nil
        }

        private mutating func word() -> Substring? {
            self.skipBlanks()
            let word = self.rest.prefix { $0.isLetter }
            guard !word.isEmpty else { return nil }
            self.rest = self.rest[word.endIndex...]
            return word
        }

        private mutating func take(_ character: Character) -> Bool {
            guard self.rest.first == character else { return false }
            self.rest.removeFirst()
            return true
        }

        private mutating func skipBlanks() {
            self.rest = self.rest.drop { $0 == " " }
        }
    }
}

extension Problem {
    static func invalidFilter(_ detail: String) -> Problem {
        Problem("InvalidFilter", shown: "The filter \(detail).")
    }
}

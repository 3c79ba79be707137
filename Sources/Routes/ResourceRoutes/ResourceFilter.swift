import Resources
import Vocabulary

/// A `$filter` on resources. What it does not know it refuses: a filter that is half understood would show too much.
///
/// Source: Azure Resources REST, "Resources - List", URI parameters; OData 4.01 part 2, section 5.1.1.
struct ResourceFilter: Sendable {
    private indirect enum Node: Sendable {
        case and(Node, Node)
        case or(Node, Node)
        case compare(Field, equal: Bool, String)
        case contains(Field, String)
        case begins(Field, String)
        case tagName(String, begins: Bool)
        case tag(String, String)
    }

    private enum Field: String, Sendable {
        case name = "name"
        case type = "resourcetype"
        case location = "location"
        case group = "resourcegroup"
        case identity = "identity"
        case principal = "identity/principalid"
        case plan = "plan"
        case planPublisher = "plan/publisher"
        case planProduct = "plan/product"
        case planName = "plan/name"
        case scaleSet = "virtualmachinescaleset/id"
    }

    private let root: Node

    /// Reads the text; throws `InvalidFilterInQueryString`.
    init(_ text: String) throws(Problem) {
        guard text.utf8.count <= 2048, let tokens = Self.tokens(of: text), tokens.count <= 200 else {
            throw Self.problem(text)
        }
        var reader = Reader(tokens: tokens[...])
        guard let root = reader.disjunction(depth: 0), reader.tokens.isEmpty else { throw Self.problem(text) }
        self.root = root
    }

    /// Whether it asks about nothing else than tags.
    var isAboutTags: Bool { Self.isAboutTags(self.root) }

    private static func isAboutTags(_ node: Node) -> Bool {
        switch node {
        case .and(let left, let right), .or(let left, let right): self.isAboutTags(left) && self.isAboutTags(right)
        case .tagName, .tag: true
        case .compare, .contains, .begins: false
        }
    }

    /// Whether a resource passes.
    func admits(_ resource: Resource) -> Bool {
        Self.admits(self.root, resource)
    }

    static func problem(_ text: String) -> Problem {
        Problem(
            "InvalidFilterInQueryString",
            shown:
                "Invalid $filter '\(PrintableText.of(text))' specified in the query string. Known are name, resourceType, "
                + "location, resourceGroup, identity and identity/principalId with eq and ne, substringof, startswith, and "
                + "tagName with tagValue."
        )
    }

    private static func admits(_ node: Node, _ resource: Resource) -> Bool {
        switch node {
        case .and(let left, let right): self.admits(left, resource) && self.admits(right, resource)
        case .or(let left, let right): self.admits(left, resource) || self.admits(right, resource)
        case .compare(let field, let equal, let value):
            (self.value(field, resource) == self.normal(value, field)) == equal
        case .contains(let field, let value): self.value(field, resource).contains(self.normal(value, field))
        case .begins(let field, let value): self.value(field, resource).hasPrefix(self.normal(value, field))
        case .tagName(let name, let begins):
            resource.tags.keys.contains { key in
                begins ? key.lowercased().hasPrefix(name.lowercased()) : key.lowercased() == name.lowercased()
            }
        case .tag(let name, let value):
            resource.tags.contains { $0.key.lowercased() == name.lowercased() && $0.value == value }
        }
    }

    private static func value(_ field: Field, _ resource: Resource) -> String {
        switch field {
        case .name: resource.name.lowercased()
        case .type: resource.type.lowercased()
        case .location: resource.location ?? ""
        case .group: resource.path.resourceGroup?.lowercased() ?? ""
        case .identity: resource.identity?["type"]?.string?.lowercased() ?? ""
        case .principal: resource.identityPrincipal?.description ?? ""
        // Nothing here was bought, so nothing has a plan.
        case .scaleSet: resource.properties["virtualMachineScaleSet"]?["id"]?.string?.lowercased() ?? ""
        case .plan, .planPublisher, .planProduct, .planName: ""
        }
    }

    private static func normal(_ value: String, _ field: Field) -> String {
        let lower = value.lowercased()
        return field == .location ? lower.filter { $0 != " " } : lower
    }

    // MARK: Reading

    private enum Token: Equatable {
        case word(String)
        case text(String)
        case open
        case close
        case comma
    }

    private static func tokens(of text: String) -> [Token]? {
        var tokens: [Token] = []
        var rest = text[...]
        while let first = rest.first {
            switch first {
            case " ", "\t": rest.removeFirst()
            case "(": tokens.append(.open); rest.removeFirst()
            case ")": tokens.append(.close); rest.removeFirst()
            case ",": tokens.append(.comma); rest.removeFirst()
            case "'":
                rest.removeFirst()
                var value = ""
                while true {
                    guard let next = rest.popFirst() else { return nil }
                    if next != "'" { value.append(next); continue }
                    // A doubled quotation mark stands for one.
                    guard rest.first == "'" else { break }
                    value.append(next)
                    rest.removeFirst()
                }
                tokens.append(.text(value))
            default:
                let word = rest.prefix { $0.isLetter || $0 == "/" }
                guard !word.isEmpty else { return nil }
                tokens.append(.word(word.lowercased()))
                rest = rest.dropFirst(word.count)
            }
        }
        return tokens
    }

    private struct Reader {
        var tokens: ArraySlice<Token>

        mutating func disjunction(depth: Int) -> Node? {
            guard depth < 16, var left = self.conjunction(depth: depth) else { return nil }
            while self.take(.word("or")) {
                guard let right = self.conjunction(depth: depth) else { return nil }
                left = .or(left, right)
            }
            return left
        }

        private mutating func conjunction(depth: Int) -> Node? {
            guard var left = self.term(depth: depth) else { return nil }
            while self.take(.word("and")) {
                // The value belongs to the tag that was named just before.
                if case .tagName(let name, false) = left, self.take(.word("tagvalue")) {
                    guard self.take(.word("eq")), let value = self.text() else { return nil }
                    left = .tag(name, value)
                    continue
                }
                guard let right = self.term(depth: depth) else { return nil }
                left = .and(left, right)
            }
            return left
        }

        private mutating func term(depth: Int) -> Node? {
            if self.take(.open) {
                guard let inner = self.disjunction(depth: depth + 1), self.take(.close) else { return nil }
                return inner
            }
            let word: String
            switch self.tokens.popFirst() {
            case .word(let text)?: word = text
            // Clients that ask for the machines of a scale set put the name between quotation marks, too.
            case .text(let text)? where text.lowercased() == Field.scaleSet.rawValue: word = Field.scaleSet.rawValue
            default: return nil
            }
            switch word {
            case "substringof":
                guard self.take(.open), let value = self.text(), self.take(.comma), let field = self.field(),
                    field == .name || field == .group, self.take(.close)
                else { return nil }
                return .contains(field, value)
            case "startswith":
                guard self.take(.open) else { return nil }
                if self.take(.word("tagname")) {
                    guard self.take(.comma), let value = self.text(), self.take(.close) else { return nil }
                    return .tagName(value, begins: true)
                }
                guard let field = self.field(), field == .name, self.take(.comma), let value = self.text(),
                    self.take(.close)
                else { return nil }
                return .begins(field, value)
            case "tagname":
                guard self.take(.word("eq")), let value = self.text() else { return nil }
                return .tagName(value, begins: false)
            default:
                guard let field = Field(rawValue: word) else { return nil }
                let equal = self.take(.word("eq"))
                guard equal || self.take(.word("ne")), let value = self.text() else { return nil }
                return .compare(field, equal: equal, value)
            }
        }

        private mutating func field() -> Field? {
            guard case .word(let word)? = self.tokens.first, let field = Field(rawValue: word) else { return nil }
            self.tokens.removeFirst()
            return field
        }

        private mutating func text() -> String? {
            guard case .text(let value)? = self.tokens.first else { return nil }
            self.tokens.removeFirst()
            return value
        }

        private mutating func take(_ token: Token) -> Bool {
            guard self.tokens.first == token else { return false }
            self.tokens.removeFirst()
            return true
        }
    }
}

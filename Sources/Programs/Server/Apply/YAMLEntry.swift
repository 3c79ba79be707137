import Vocabulary
import Yams

/// One mapping of a YAML file, read strictly: a key that nobody asked for is an error, and every error names its line.
struct YAMLEntry {
    private let node: Node
    private let members: [String: Node]

    /// Reads a mapping; `known` are the keys it may have.
    init(_ node: Node, known: [String]) throws(Problem) {
        guard case .mapping(let mapping) = node else { throw Self.problem(node, "expected a mapping") }
        var members: [String: Node] = [:]
        for (key, value) in mapping {
            guard let name = key.string else { throw Self.problem(key, "expected a name") }
            guard known.contains(name) else {
                throw Self.problem(
                    key,
                    "unknown key '\(PrintableText.of(name))'; known here: \(known.joined(separator: ", "))"
                )
            }
            guard members[name] == nil else { throw Self.problem(key, "the key '\(name)' is given twice") }
            members[name] = value
        }
        self.node = node
        self.members = members
    }

    /// Parses a document whose top is a mapping.
    static func parse(_ text: String, known: [String]) throws(Problem) -> YAMLEntry {
        do {
            guard let node = try Yams.compose(yaml: text) else {
                throw Problem("ApplyFile", shown: "1: the file is empty")
            }
            return try YAMLEntry(node, known: known)
        } catch let problem as Problem {
            throw problem
        } catch YamlError.scanner(_, let what, let mark, _), YamlError.parser(_, let what, let mark, _),
            YamlError.composer(_, let what, let mark, _)
        {
            throw Problem("ApplyFile", shown: "\(mark.line): this is not YAML: \(PrintableText.of(what, limit: 500))")
        } catch {
            throw Problem("ApplyFile", shown: "the file is not YAML: \(PrintableText.of("\(error)", limit: 500))")
        }
    }

    /// A text, or nil.
    func text(_ key: String) throws(Problem) -> String? {
        guard let node = self.members[key] else { return nil }
        guard case .scalar = node, let text = node.string else { throw Self.problem(node, "'\(key)' must be a text") }
        return text
    }

    /// A text that must be there.
    func requiredText(_ key: String) throws(Problem) -> String {
        guard let text = try self.text(key), !text.isEmpty else { throw self.problem("'\(key)' is missing") }
        return text
    }

    /// true or false.
    func bool(_ key: String, default fallback: Bool) throws(Problem) -> Bool {
        guard let node = self.members[key] else { return fallback }
        guard let value = node.bool else { throw Self.problem(node, "'\(key)' must be true or false") }
        return value
    }

    /// An identifier, or nil.
    func guid(_ key: String) throws(Problem) -> GUID? {
        guard let text = try self.text(key) else { return nil }
        guard let guid = GUID(text) else { throw self.problem("'\(key)' must be a GUID") }
        return guid
    }

    /// A list of texts; none when absent.
    func texts(_ key: String) throws(Problem) -> [String] {
        var texts: [String] = []
        for node in try self.nodes(key) {
            guard let text = node.string else { throw Self.problem(node, "'\(key)' must be a list of texts") }
            texts.append(text)
        }
        return texts
    }

    /// A list of mappings; none when absent.
    func entries(_ key: String, known: [String]) throws(Problem) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        for node in try self.nodes(key) {
            entries.append(try YAMLEntry(node, known: known))
        }
        return entries
    }

    /// One mapping, or nil.
    func entry(_ key: String, known: [String]) throws(Problem) -> YAMLEntry? {
        guard let node = self.members[key] else { return nil }
        return try YAMLEntry(node, known: known)
    }

    /// Where a secret is: `{environment: NAME}` or `{file: PATH}`; never in the file itself.
    func secretSource(_ key: String) throws(Problem) -> SecretSource? {
        guard let node = self.members[key] else { return nil }
        if case .scalar = node {
            throw Self.problem(
                node,
                "'\(key)' must be {environment: NAME} or {file: PATH}: secrets do not belong in this file"
            )
        }
        let entry = try YAMLEntry(node, known: ["environment", "file"])
        switch (try entry.text("environment"), try entry.text("file")) {
        case (let name?, nil): return .environment(name)
        case (nil, let path?): return .file(path)
        default: throw Self.problem(node, "'\(key)' must be {environment: NAME} or {file: PATH}")
        }
    }

    /// A problem at this entry.
    func problem(_ text: String) -> Problem {
        Self.problem(self.node, text)
    }

    private func nodes(_ key: String) throws(Problem) -> [Node] {
        guard let node = self.members[key] else { return [] }
        guard case .sequence(let sequence) = node else { throw Self.problem(node, "'\(key)' must be a list") }
        return Array(sequence)
    }

    private static func problem(_ node: Node, _ text: String) -> Problem {
        Problem("ApplyFile", shown: "\(node.mark?.line ?? 1): \(text)")
    }
}

/// Where a secret that an apply file needs is kept.
enum SecretSource: Hashable {
    case environment(String)
    case file(String)

    /// How the secret is named on its way to the server.
    var key: String {
        switch self {
        case .environment(let name): "environment:" + name
        case .file(let path): "file:" + path
        }
    }
}

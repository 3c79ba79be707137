import Crypto
public import Vocabulary

/// A function that a template defines.
struct TemplateFunction: Sendable {
    let parameters: [ParameterDefinition]
    let kind: ParameterDefinition.Kind
    let output: JSONValue
}

/// A variable as written.
struct TemplateVariable: Sendable {
    let name: String
    let value: JSONValue
    /// Whether it is an element of `variables.copy`.
    let isLoop: Bool
}

/// A template that was read: its parts by name, nothing worked out yet.
///
/// Source: Azure Resource Manager, "Understand the structure and syntax of ARM templates".
public struct Template: Sendable {
    static let mostParameters = 256
    static let mostVariables = 256
    static let mostResources = 800
    static let mostOutputs = 64
    /// Texts in secure parameters.
    static let mostSecrets = 256

    /// The template as sent.
    public let document: JSONValue
    let parameters: [String: ParameterDefinition]
    let variables: [String: TemplateVariable]
    let functions: [String: TemplateFunction]
    let resources: [(symbol: String?, document: JSONValue, place: String)]
    let outputs: [String: JSONValue]

    /// Reads a template. Throws what is wrong with its frame; expressions are looked at later.
    public init(reading document: JSONValue) throws(TemplateError) {
        guard let members = document.object else { throw TemplateError("The template is not an object.") }
        let known: Set<String> = [
            "$schema", "languageversion", "contentversion", "apiprofile", "metadata", "parameters", "variables",
            "functions", "resources", "outputs", "definitions", "comments", "imports", "extensions",
        ]
        if let other = members.keys.sorted().first(where: { !known.contains($0.lowercased()) }) {
            throw TemplateError("The template has a member '\(PrintableText.of(other, limit: 80))' that is not known.")
        }
        guard document.member("resources") != nil else { throw TemplateError("The template needs 'resources'.") }
        for name in ["definitions", "imports", "extensions"] {
            guard (document.member(name)?.object ?? [:]).isEmpty, document.member(name)?.array?.isEmpty != false else {
                throw TemplateError("'\(name)' of templates is not supported. Write types and resources out.")
            }
        }
        self.document = document
        self.parameters = try Self.parameters(document.member("parameters"))
        self.variables = try Self.variables(document.member("variables"))
        self.functions = try Self.functions(document.member("functions"))
        self.resources = try Self.resources(document.member("resources"))
        self.outputs = try Self.members(document.member("outputs"), "outputs", Self.mostOutputs)
    }

    /// Takes resources and outputs from another template and everything else from this one: a nested template in outer scope.
    init(resourcesOf inner: Template, namesOf outer: Template) {
        self.document = inner.document
        self.parameters = outer.parameters
        self.variables = outer.variables
        self.functions = outer.functions
        self.resources = inner.resources
        self.outputs = inner.outputs
    }

    /// A number for the template: the same for the same template, whatever the order of its members.
    public var hash: String {
        let digest = SHA256.hash(data: self.document.bytes)
        return String(digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    private static func members(_ document: JSONValue?, _ name: String, _ most: Int) throws(TemplateError)
        -> [String: JSONValue]
    {
        guard let document, !document.isNull else { return [:] }
        guard let members = document.object else { throw TemplateError("'\(name)' is not an object.", at: name) }
        guard members.count <= most else { throw TemplateError("There are more than \(most) \(name).", at: name) }
        return members
    }

    private static func parameters(_ document: JSONValue?) throws(TemplateError) -> [String: ParameterDefinition] {
        var out: [String: ParameterDefinition] = [:]
        for (name, definition) in try Self.members(document, "parameters", Self.mostParameters) {
            out[name.lowercased()] = try ParameterDefinition(name, reading: definition)
        }
        return out
    }

    private static func variables(_ document: JSONValue?) throws(TemplateError) -> [String: TemplateVariable] {
        var out: [String: TemplateVariable] = [:]
        for (name, value) in try Self.members(document, "variables", Self.mostVariables) {
            if name.lowercased() == "copy", let loops = Evaluator.loops(value) {
                for loop in loops {
                    guard let name = loop.member("name")?.string else {
                        throw TemplateError("A loop needs a 'name'.", at: "variables.copy")
                    }
                    out[name.lowercased()] = TemplateVariable(name: name, value: loop, isLoop: true)
                }
            } else {
                out[name.lowercased()] = TemplateVariable(name: name, value: value, isLoop: false)
            }
        }
        return out
    }

    private static func functions(_ document: JSONValue?) throws(TemplateError) -> [String: TemplateFunction] {
        guard let document, !document.isNull else { return [:] }
        guard let spaces = document.array else { throw TemplateError("'functions' is not a list.", at: "functions") }
        var out: [String: TemplateFunction] = [:]
        for (index, space) in spaces.prefix(100).enumerated() {
            guard let namespace = space.member("namespace")?.string, let members = space.member("members")?.object
            else {
                throw TemplateError("It needs 'namespace' and 'members'.", at: "functions[\(index)]")
            }
            for (name, function) in members {
                let place = "functions[\(index)].members.\(name)"
                var parameters: [ParameterDefinition] = []
                for parameter in function.member("parameters")?.array ?? [] {
                    guard let name = parameter.member("name")?.string else {
                        throw TemplateError("A parameter needs a 'name'.", at: place)
                    }
                    parameters.append(try ParameterDefinition(name, reading: parameter))
                }
                guard
                    let output = function.member("output"), let value = output.member("value"),
                    let kind = output.member("type")?.string.flatMap({ ParameterDefinition.Kind(named: $0) })
                else { throw TemplateError("A function needs an 'output' with 'type' and 'value'.", at: place) }
                out["\(namespace).\(name)".lowercased()] = TemplateFunction(
                    parameters: parameters,
                    kind: kind,
                    output: value
                )
            }
        }
        return out
    }

    private static func resources(_ document: JSONValue?) throws(TemplateError) -> [(String?, JSONValue, String)] {
        var out: [(String?, JSONValue, String)] = []
        switch document {
        case .array(let list):
            for (index, one) in list.enumerated() { out.append((nil, one, "resources[\(index)]")) }
        case .object(let members):
            for (symbol, one) in members.sorted(by: { $0.key < $1.key }) {
                out.append((symbol, one, "resources.\(symbol)"))
            }
        default:
            throw TemplateError("'resources' is neither a list nor an object.", at: "resources")
        }
        guard out.count <= Self.mostResources else {
            throw TemplateError("There are more than \(Self.mostResources) resources.", at: "resources")
        }
        return out
    }
}

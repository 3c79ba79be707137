import Vocabulary

/// What an expression may see besides the template: the turn of the loops around it, and what it was called with.
struct Frame: Sendable {
    /// The turns of the loops, by lower-case name.
    var turns: [String: Int64] = [:]
    /// The turn of the innermost loop.
    var innermost: Int64?
    /// What a function of the template was called with, by lower-case name; nil outside such functions.
    var arguments: [String: JSONValue]?
    /// The variables of lambdas, by lower-case name.
    var lambdas: [String: JSONValue] = [:]

    /// The frame inside one turn of a loop.
    func turning(_ loop: String, _ turn: Int64) -> Frame {
        var frame = self
        frame.turns[loop.lowercased()] = turn
        frame.innermost = turn
        return frame
    }
}

/// Works out expressions and documents with expressions in them. Pure: everything it learns, it is given.
struct Evaluator: Sendable {
    /// Which functions may be called.
    enum Phase: Sendable {
        /// The default value of a parameter: here alone may time and chance come in.
        case defaults
        /// Before anything is made: `reference` is not there yet.
        case planning
        /// While it is deployed.
        case running
    }

    static let deepest = 200

    let template: Template
    let surroundings: TemplateSurroundings
    var phase = Phase.defaults
    let budget: WorkBudget
    /// The values of parameters, by lower-case name.
    var parameters: [String: JSONValue] = [:]
    private var variables: [String: JSONValue] = [:]
    private var inProgress: Set<String> = []
    private var depth = 0
    /// Resources by name, symbol and identifier, for `reference`.
    var names: [String: [ResourcePath]] = [:]

    init(_ template: Template, _ surroundings: TemplateSurroundings, _ budget: WorkBudget = WorkBudget()) {
        self.template = template
        self.surroundings = surroundings
        self.budget = budget
    }

    // MARK: Documents

    /// A document with every expression in it worked out.
    mutating func evaluate(_ document: JSONValue, _ frame: Frame, at place: String, _ lookup: TemplateLookup)
        throws(TemplateError) -> JSONValue
    {
        let value = try self.deeper { evaluator throws(TemplateError) in
            try evaluator.whole(document, frame, at: place, lookup)
        }
        return value
    }

    /// The same where nothing is deployed yet.
    mutating func evaluate(_ document: JSONValue, _ frame: Frame, at place: String) throws(TemplateError) -> JSONValue {
        try self.evaluate(document, frame, at: place, Self.nothing)
    }

    static func nothing(_ reference: TemplateReference) throws(TemplateError) -> JSONValue {
        throw TemplateError("The template function 'reference' is not expected at this location.")
    }

    private mutating func whole(_ document: JSONValue, _ frame: Frame, at place: String, _ lookup: TemplateLookup)
        throws(TemplateError) -> JSONValue
    {
        switch document {
        case .string(let text):
            return try self.evaluate(text: text, frame, at: place, lookup)
        case .array(let elements):
            try self.budget.spend(elements.count + 1)
            var out: [JSONValue] = []
            for (index, element) in elements.enumerated() {
                out.append(try self.evaluate(element, frame, at: "\(place)[\(index)]", lookup))
            }
            return .array(out)
        case .object(let members):
            try self.budget.spend(members.count + 1)
            var out: [String: JSONValue] = [:]
            for name in members.keys.sorted() {
                guard let member = members[name] else { continue }
                if name.lowercased() == "copy", let loops = Self.loops(member) {
                    for (index, loop) in loops.enumerated() {
                        let (name, list) = try self.expand(loop, frame, at: "\(place).copy[\(index)]", lookup)
                        out[name] = list
                    }
                    continue
                }
                var key = name
                if name.utf8.first == UInt8(ascii: "[") {
                    let worked = try self.evaluate(text: name, frame, at: place, lookup)
                    guard let text = worked.string else {
                        throw TemplateError("The name of a member must come out as a text.", at: place)
                    }
                    key = text
                }
                out[key] = try self.evaluate(member, frame, at: place.isEmpty ? name : "\(place).\(name)", lookup)
            }
            return .object(out)
        default:
            return document
        }
    }

    /// The elements of a `copy` member of an object: a list of loops, each with a name, a count and an input.
    static func loops(_ value: JSONValue) -> [JSONValue]? {
        guard let list = value.array, !list.isEmpty else { return nil }
        let isLoop = { (one: JSONValue) in
            one.member("name") != nil && one.member("count") != nil && one.member("input") != nil
        }
        return list.allSatisfy(isLoop) ? list : nil
    }

    // Source: Azure Resource Manager, "Property iteration in ARM templates".
    private mutating func expand(_ loop: JSONValue, _ frame: Frame, at place: String, _ lookup: TemplateLookup)
        throws(TemplateError) -> (String, JSONValue)
    {
        let name = try self.evaluate(loop.member("name") ?? .null, frame, at: "\(place).name", lookup)
        guard let name = name.string, !name.isEmpty else {
            throw TemplateError("A loop needs a 'name'.", at: place)
        }
        let count = try self.count(loop.member("count") ?? .null, frame, at: "\(place).count", lookup)
        var list: [JSONValue] = []
        for turn in 0..<count {
            list.append(
                try self.evaluate(
                    loop.member("input") ?? .null,
                    frame.turning(name, turn),
                    at: "\(place).input",
                    lookup
                )
            )
        }
        return (name, .array(list))
    }

    /// How often a loop turns. Source: the limit of 800 iterations.
    mutating func count(_ document: JSONValue, _ frame: Frame, at place: String, _ lookup: TemplateLookup)
        throws(TemplateError) -> Int64
    {
        let value = try self.evaluate(document, frame, at: place, lookup)
        guard let count = value.integer, (0...800).contains(count) else {
            throw TemplateError("The count of a loop is a whole number from 0 to 800.", at: place)
        }
        return count
    }

    private mutating func evaluate(text: String, _ frame: Frame, at place: String, _ lookup: TemplateLookup)
        throws(TemplateError) -> JSONValue
    {
        do throws(TemplateError) {
            try self.budget.spend(text.utf8.count / 8 + 1)
            switch try TemplateExpression.read(text) {
            case .text(let text): return .string(text)
            case .expression(let expression):
                let value = try self.evaluate(expression, frame, lookup)
                try self.budget.spend(allOf: value)
                return value
            }
        } catch {
            throw error.inside(place)
        }
    }

    private mutating func deeper<Result>(_ body: (inout Evaluator) throws(TemplateError) -> Result)
        throws(TemplateError) -> Result
    {
        guard self.depth < Self.deepest else {
            throw TemplateError("The template is nested more than \(Self.deepest) levels deep.")
        }
        self.depth += 1
        defer { self.depth -= 1 }
        return try body(&self)
    }

    // MARK: Expressions

    /// The value of an expression.
    mutating func evaluate(_ expression: TemplateExpression, _ frame: Frame, _ lookup: TemplateLookup)
        throws(TemplateError) -> JSONValue
    {
        switch expression {
        case .literal(let value):
            return value
        case .call(let name, let arguments, let at):
            do throws(TemplateError) {
                return try self.deeper { evaluator throws(TemplateError) in
                    let value = try evaluator.call(name, arguments, frame, lookup)
                    try evaluator.budget.spend(surfaceOf: value)
                    return value
                }
            } catch {
                throw error.at(position: at)
            }
        case .member(let base, let name, let isOptional, let at):
            let value = try self.evaluate(base, frame, lookup)
            if let found = value.member(name) { return found }
            if isOptional { return .null }
            throw Self.missing(name, in: value).at(position: at)
        case .element(let base, let index, let isOptional, let at):
            let value = try self.evaluate(base, frame, lookup)
            let index = try self.evaluate(index, frame, lookup)
            if let list = value.array, let place = index.integer {
                if place >= 0, place < list.count { return list[Int(place)] }
                if isOptional { return .null }
                throw TemplateError(
                    "The language expression index '\(place)' is out of bounds: the array has \(list.count) elements.",
                    position: at
                )
            }
            if value.object != nil, let name = index.string {
                if let found = value.member(name) { return found }
                if isOptional { return .null }
                throw Self.missing(name, in: value).at(position: at)
            }
            if isOptional, value.isNull { return .null }
            throw TemplateError("Only arrays have elements by number, only objects members by name.", position: at)
        }
    }

    private static func missing(_ name: String, in value: JSONValue) -> TemplateError {
        let name = PrintableText.of(name, limit: 80)
        guard let members = value.object else {
            return TemplateError("The language expression property '\(name)' can't be evaluated: it is not an object.")
        }
        let known = members.keys.sorted().prefix(20).map { PrintableText.of($0, limit: 64) }
        return TemplateError(
            "The language expression property '\(name)' doesn't exist, available properties are "
                + "'\(known.joined(separator: ", "))'."
        )
    }

    private mutating func call(
        _ name: String,
        _ arguments: [TemplateExpression],
        _ frame: Frame,
        _ lookup: TemplateLookup
    ) throws(TemplateError) -> JSONValue {
        if let value = try self.special(name, arguments, frame, lookup) { return value }
        var values: [JSONValue] = []
        for argument in arguments { values.append(try self.evaluate(argument, frame, lookup)) }
        if let function = TemplateFunctions.all[name] {
            let given = Arguments(name, values)
            guard function.arity.contains(values.count) else { throw given.wrongCount(function.arity) }
            return try function.body(&self, given)
        }
        if let function = self.template.functions[name] {
            return try self.call(function, name, values)
        }
        throw TemplateError.unknownFunction(name)
    }

    // A function of the template sees its own arguments and nothing else. Source: "User-defined functions in ARM template".
    private mutating func call(_ function: TemplateFunction, _ name: String, _ values: [JSONValue])
        throws(TemplateError) -> JSONValue
    {
        guard values.count == function.parameters.count else {
            throw TemplateError("The function '\(name)' takes \(function.parameters.count) arguments.")
        }
        var frame = Frame()
        frame.arguments = [:]
        for (parameter, value) in zip(function.parameters, values) {
            try parameter.check(value)
            frame.arguments?[parameter.name.lowercased()] = value
        }
        let value = try self.evaluate(function.output, frame, at: "functions.\(name).output.value")
        guard function.kind.admits(value) else {
            throw TemplateError("The function '\(name)' does not give what its output's type says.")
        }
        return value
    }

    // MARK: Parameters and variables

    /// The value of a parameter.
    mutating func parameter(_ name: String, _ frame: Frame) throws(TemplateError) -> JSONValue {
        let key = name.lowercased()
        let shown = PrintableText.of(name, limit: 80)
        if let arguments = frame.arguments {
            guard let value = arguments[key] else {
                throw TemplateError("The template parameter '\(shown)' is not found in this function.")
            }
            return value
        }
        if let value = self.parameters[key] { return value }
        guard let definition = self.template.parameters[key] else {
            throw TemplateError("The template parameter '\(shown)' is not found.")
        }
        guard let initial = definition.initial else {
            throw TemplateError("The value for the template parameter '\(shown)' is not provided.")
        }
        let value = try self.once("parameter \(key)") { evaluator throws(TemplateError) in
            let phase = evaluator.phase
            evaluator.phase = .defaults
            defer { evaluator.phase = phase }
            return try evaluator.evaluate(initial, Frame(), at: "parameters.\(definition.name).defaultValue")
        }
        try definition.check(value)
        self.parameters[key] = value
        return value
    }

    /// The value of a variable.
    mutating func variable(_ name: String, _ frame: Frame) throws(TemplateError) -> JSONValue {
        let key = name.lowercased()
        if frame.arguments != nil { throw TemplateError("A function of a template cannot see variables.") }
        if let value = self.variables[key] { return value }
        guard let document = self.template.variables[key] else {
            throw TemplateError("The template variable '\(PrintableText.of(name, limit: 80))' is not found.")
        }
        let value = try self.once("variable \(key)") { evaluator throws(TemplateError) in
            if document.isLoop {
                return try evaluator.expand(document.value, Frame(), at: "variables.copy", Self.nothing).1
            }
            return try evaluator.evaluate(document.value, Frame(), at: "variables.\(document.name)")
        }
        try self.budget.spend(allOf: value)
        self.variables[key] = value
        return value
    }

    private mutating func once(_ name: String, _ body: (inout Evaluator) throws(TemplateError) -> JSONValue)
        throws(TemplateError) -> JSONValue
    {
        guard self.inProgress.insert(name).inserted else {
            throw TemplateError("The \(PrintableText.of(name, limit: 80)) refers to itself.")
        }
        defer { self.inProgress.remove(name) }
        return try self.deeper(body)
    }
}

extension TemplateError {
    static func unknownFunction(_ name: String) -> TemplateError {
        TemplateError("The template function '\(PrintableText.of(name, limit: 80))' is not valid or not offered here.")
    }
}

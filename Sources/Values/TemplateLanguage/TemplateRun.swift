public import Vocabulary

/// A template with the values of its parameters: first the plan, then the bodies one by one, then the outputs.
///
/// Sans-IO: whoever deploys asks for a body when everything that the resource depends on is there, and answers `reference` with a
/// look-up. Bodies may hold secrets and are not kept.
public struct TemplateRun: Sendable {
    /// What an output of a template is.
    public struct Output: Sendable, Hashable {
        /// The type in Azure's spelling.
        public let type: String
        /// The value; nil for a secure one, which nobody gets to see.
        public let value: JSONValue?
    }

    /// The resources, in the order of the template.
    public private(set) var resources: [PlannedResource] = []
    /// The places in `resources` in an order in which each comes after what it depends on.
    public private(set) var order: [Int] = []
    private var evaluator: Evaluator
    private let frame: Frame

    /// Binds parameters and plans.
    ///
    /// - Parameter parameters: For each name an object with `value`. Throws for a value that is missing, unknown or not allowed.
    public init(_ template: Template, parameters: JSONValue, in surroundings: TemplateSurroundings)
        throws(TemplateError)
    {
        try self.init(template, parameters: parameters, in: surroundings, WorkBudget())
    }

    private init(
        _ template: Template,
        parameters: JSONValue,
        in surroundings: TemplateSurroundings,
        _ budget: WorkBudget
    ) throws(TemplateError) {
        self.evaluator = Evaluator(template, surroundings, budget)
        self.frame = Frame()
        try self.bind(parameters)
        try self.plan()
    }

    // In outer scope the names are those of the outer template; in inner scope the template stands alone.
    private init(outer: Evaluator, _ frame: Frame, _ template: Template, _ surroundings: TemplateSurroundings)
        throws(TemplateError)
    {
        self.evaluator = Evaluator(
            Template(resourcesOf: template, namesOf: outer.template),
            surroundings,
            outer.budget
        )
        self.evaluator.parameters = outer.parameters
        self.frame = frame
        try self.plan()
    }

    private mutating func plan() throws(TemplateError) {
        self.evaluator.phase = .planning
        self.resources = try TemplatePlan.resources(&self.evaluator, frame: self.frame)
        var seen: Set<String> = []
        for one in self.resources where one.isWanted && !seen.insert(one.path.key).inserted {
            throw TemplateError(
                "The resource '\(one.path)' is defined multiple times in the template.",
                at: one.place
            )
        }
        try TemplatePlan.connect(&self.resources, &self.evaluator)
        self.order = try TemplatePlan.order(self.resources)
        for one in self.resources {
            for name in Set(one.names) where one.isWanted || one.isExisting {
                self.evaluator.names[name, default: []].append(one.path)
            }
        }
    }

    private mutating func bind(_ given: JSONValue) throws(TemplateError) {
        let definitions = self.evaluator.template.parameters
        guard given.isNull || given.object != nil else { throw TemplateError("'parameters' is not an object.") }
        for (name, wrapped) in (given.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let definition = definitions[name.lowercased()] else {
                let known = definitions.values.map(\.name).sorted().prefix(30).joined(separator: ", ")
                throw TemplateError(
                    "The following parameters were supplied, but do not correspond to any parameters defined in the template: "
                        + "'\(PrintableText.of(name, limit: 80))'. The parameters defined in the template are: '\(known)'."
                )
            }
            guard let value = wrapped.member("value") else {
                let what =
                    wrapped.member("reference") == nil
                    ? "'value'" : "'value': references to key vaults are not supported"
                throw TemplateError("It needs \(what).", at: "parameters.\(definition.name)")
            }
            // Null stands for the default where there is one.
            if value.isNull, definition.initial != nil { continue }
            try definition.check(value)
            self.evaluator.parameters[name.lowercased()] = value
        }
        var missing: [String] = []
        for (key, definition) in definitions.sorted(by: { $0.key < $1.key }) where self.evaluator.parameters[key] == nil
        {
            guard definition.initial != nil else {
                missing.append(definition.name)
                continue
            }
            _ = try self.evaluator.parameter(key, Frame())
        }
        guard missing.isEmpty else {
            throw TemplateError(
                "The value for the template parameter '\(missing.joined(separator: "', '"))' is not provided. Give it with "
                    + "--parameters or a default value."
            )
        }
        // Each is looked for in everything that is told and kept.
        guard self.secrets.count <= Template.mostSecrets else {
            throw TemplateError("The secure parameters hold more than \(Template.mostSecrets) texts.", at: "parameters")
        }
    }

    // MARK: What is deployed

    /// The body of a resource. Call it when everything the resource depends on is there.
    public mutating func body(of resource: PlannedResource, _ lookup: TemplateLookup) throws(TemplateError) -> JSONValue
    {
        self.evaluator.phase = .running
        defer { self.evaluator.phase = .planning }
        let body = try self.evaluator.evaluate(resource.body, resource.frame, at: resource.place, lookup)
        try self.evaluator.budget.spend(allOf: body)
        return body
    }

    /// The body of a resource that asks for nothing that is not known yet.
    public mutating func body(of resource: PlannedResource) throws(TemplateError) -> JSONValue {
        try self.body(of: resource, Evaluator.nothing)
    }

    /// The template in a resource of type `Microsoft.Resources/deployments`, ready to be deployed in its own place.
    ///
    /// Source: Azure Resource Manager, "Using linked and nested templates", expression evaluation scope.
    public mutating func nested(
        _ resource: PlannedResource,
        in surroundings: TemplateSurroundings,
        _ lookup: TemplateLookup
    ) throws(TemplateError) -> TemplateRun {
        let properties = resource.document.member("properties") ?? [:]
        let place = "\(resource.place).properties"
        guard properties.member("templateLink")?.isNull != false, let document = properties.member("template") else {
            throw TemplateError("Linked templates are not supported. Put the template into 'template'.", at: place)
        }
        do throws(TemplateError) {
            try self.evaluator.budget.spend(WorkBudget.template)
            let template = try Template(reading: document)
            guard resource.isInner else {
                return try TemplateRun(outer: self.evaluator, resource.frame, template, surroundings)
            }
            self.evaluator.phase = .running
            defer { self.evaluator.phase = .planning }
            let parameters = try self.evaluator.evaluate(
                properties.member("parameters") ?? [:],
                resource.frame,
                at: "\(place).parameters",
                lookup
            )
            return try TemplateRun(template, parameters: parameters, in: surroundings, self.evaluator.budget)
        } catch {
            throw TemplateError(error.reason, at: "\(place).template.\(error.place)", position: error.position)
        }
    }

    /// What the template says about itself when everything is there.
    public mutating func outputs(_ lookup: TemplateLookup) throws(TemplateError) -> [String: Output] {
        self.evaluator.phase = .running
        defer { self.evaluator.phase = .planning }
        var outputs: [String: Output] = [:]
        for (name, output) in self.evaluator.template.outputs.sorted(by: { $0.key < $1.key }) {
            let place = "outputs.\(name)"
            guard let kind = output.member("type")?.string.flatMap({ ParameterDefinition.Kind(named: $0) }) else {
                throw TemplateError("An output needs a 'type'.", at: place)
            }
            if let condition = output.member("condition") {
                let isWanted = try self.evaluator.evaluate(condition, self.frame, at: "\(place).condition", lookup)
                guard let isWanted = isWanted.bool else {
                    throw TemplateError("'condition' must come out as a boolean.", at: place)
                }
                guard isWanted else { continue }
            }
            let value = try self.value(of: output, at: place, lookup)
            try self.evaluator.budget.spend(allOf: value)
            guard kind.admits(value) || value.isNull else {
                throw TemplateError("The output does not come out as '\(kind.rawValue)'.", at: place)
            }
            outputs[name] = Output(type: kind.rawValue, value: kind.isSecure ? JSONValue?.none : value)
        }
        return outputs
    }

    private mutating func value(of output: JSONValue, at place: String, _ lookup: TemplateLookup) throws(TemplateError)
        -> JSONValue
    {
        if let copy = output.member("copy"), copy.object != nil {
            let count = try self.evaluator.count(
                copy.member("count") ?? .null,
                self.frame,
                at: "\(place).copy.count",
                lookup
            )
            var list: [JSONValue] = []
            for turn in 0..<count {
                let frame = self.frame.turning(place, turn)
                list.append(
                    try self.evaluator.evaluate(copy.member("input") ?? .null, frame, at: "\(place).copy.input", lookup)
                )
            }
            return .array(list)
        }
        guard let value = output.member("value") else { throw TemplateError("An output needs a 'value'.", at: place) }
        return try self.evaluator.evaluate(value, self.frame, at: "\(place).value", lookup)
    }

    // MARK: What is told

    /// The number of the template.
    public var hash: String { self.evaluator.template.hash }

    /// The parameters as an answer shows them: types, and values that are not secure.
    public var shownParameters: JSONValue {
        var shown: [String: JSONValue] = [:]
        for (key, definition) in self.evaluator.template.parameters {
            var entry: JSONValue = ["type": .string(definition.kind.rawValue)]
            if !definition.kind.isSecure { entry["value"] = self.evaluator.parameters[key] }
            shown[definition.name] = entry
        }
        return .object(shown)
    }

    /// The texts in secure parameters, for taking them out of what is told and kept.
    public var secrets: [Secret<String>] {
        var texts: [String] = []
        for (key, definition) in self.evaluator.template.parameters where definition.kind.isSecure {
            Self.collect(self.evaluator.parameters[key] ?? .null, &texts)
        }
        // Shorter ones would take out ordinary letters. Longer ones come first: one that begins another would leave the rest of it.
        return Set(texts).filter { $0.utf8.count >= 4 }.sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
            .map { Secret($0) }
    }

    private static func collect(_ value: JSONValue, _ texts: inout [String]) {
        switch value {
        case .string(let text): texts.append(text)
        case .array(let elements): for element in elements { Self.collect(element, &texts) }
        case .object(let members): for member in members.values { Self.collect(member, &texts) }
        default: break
        }
    }
}

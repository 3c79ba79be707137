import Vocabulary

/// Finds out, before anything is deployed, what a resource will ask for while it is.
enum RuntimeNeeds {
    /// Whether the body of a resource calls `reference`, and the names it calls it with as far as they are known already.
    static func of(_ resource: PlannedResource, _ evaluator: inout Evaluator) throws(TemplateError) -> (Bool, [String])
    {
        var calls: [[TemplateExpression]] = []
        var body = resource.body
        if resource.isDeployment, resource.isInner {
            // Its template is read on its own.
            body["properties"] = body.member("properties").map {
                .object(($0.object ?? [:]).filter { $0.key.lowercased() != "template" })
            }
        }
        try Self.collect(body, at: resource.place, &calls)
        var names: [String] = []
        for arguments in calls {
            guard let first = arguments.first else { continue }
            // A name that cannot be known yet is looked for when the resource is deployed.
            if let name = try? evaluator.evaluate(first, resource.frame, Evaluator.nothing) as JSONValue,
                let text = name.string
            {
                names.append(text)
            }
        }
        return (!calls.isEmpty, names)
    }

    private static func collect(_ document: JSONValue, at place: String, _ calls: inout [[TemplateExpression]])
        throws(TemplateError)
    {
        switch document {
        case .string(let text):
            do throws(TemplateError) {
                guard case .expression(let expression) = try TemplateExpression.read(text) else { return }
                for call in expression.calls {
                    if TemplateFunctions.isRuntime(call.name) { calls.append(call.arguments) }
                }
            } catch {
                throw error.inside(place)
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                try Self.collect(element, at: "\(place)[\(index)]", &calls)
            }
        case .object(let members):
            for name in members.keys.sorted() {
                try Self.collect(members[name] ?? .null, at: "\(place).\(name)", &calls)
            }
        default: break
        }
    }
}

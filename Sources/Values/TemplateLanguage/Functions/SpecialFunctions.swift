import Vocabulary

/// Functions that do not work out all their arguments first, or that see where they stand.
extension Evaluator {
    /// The value of such a function; nil for a name that is none.
    mutating func special(
        _ name: String,
        _ arguments: [TemplateExpression],
        _ frame: Frame,
        _ lookup: TemplateLookup
    ) throws(TemplateError) -> JSONValue? {
        switch name {
        case "if":
            guard arguments.count == 3 else { throw Arguments(name, []).wrong("takes 3 arguments.") }
            let condition = try self.evaluate(arguments[0], frame, lookup)
            // Only the branch that counts: the other one may refer to what is not deployed.
            let branch = try Arguments(name, [condition]).truth(0) ? arguments[1] : arguments[2]
            return try self.evaluate(branch, frame, lookup)
        case "and", "or":
            guard arguments.count >= 2 else { throw Arguments(name, []).wrong("takes 2 or more arguments.") }
            for (index, argument) in arguments.enumerated() {
                let value = try self.evaluate(argument, frame, lookup)
                guard let truth = value.bool else { throw Arguments(name, []).wrongType(index, "a boolean") }
                if truth == (name == "or") { return .bool(truth) }
            }
            return .bool(name == "and")
        case "parameters":
            return try self.parameter(try self.oneText(name, arguments, frame, lookup), frame)
        case "variables":
            return try self.variable(try self.oneText(name, arguments, frame, lookup), frame)
        case "lambdavariables":
            let variable = try self.oneText(name, arguments, frame, lookup)
            guard let value = frame.lambdas[variable.lowercased()] else {
                throw TemplateError("The lambda variable '\(PrintableText.of(variable, limit: 80))' is not found.")
            }
            return value
        case "copyindex": return try self.turn(arguments, frame, lookup)
        case "reference": return try self.reference(arguments, frame, lookup)
        case "lambda":
            throw TemplateError("A lambda is only allowed as an argument of map, filter, reduce, sort or toObject.")
        case "map", "filter", "reduce", "sort", "toobject":
            return try self.lambdaFunction(name, arguments, frame, lookup)
        case "trycatch", "references":
            throw TemplateError.unknownFunction(name)
        case _ where TemplateFunctions.asksForKeys(name):
            throw TemplateError(
                "The template function '\(PrintableText.of(name, limit: 80))' is not supported: keys of resources are "
                    + "not handed out. Use an identity and a role."
            )
        default: return nil
        }
    }

    private mutating func oneText(
        _ name: String,
        _ arguments: [TemplateExpression],
        _ frame: Frame,
        _ lookup: TemplateLookup
    ) throws(TemplateError) -> String {
        guard arguments.count == 1 else { throw Arguments(name, []).wrong("takes 1 argument.") }
        return try Arguments(name, [try self.evaluate(arguments[0], frame, lookup)]).text(0)
    }

    // copyIndex(), copyIndex(offset), copyIndex(loop), copyIndex(loop, offset).
    private mutating func turn(_ arguments: [TemplateExpression], _ frame: Frame, _ lookup: TemplateLookup)
        throws(TemplateError) -> JSONValue
    {
        var values: [JSONValue] = []
        for argument in arguments { values.append(try self.evaluate(argument, frame, lookup)) }
        let given = Arguments("copyIndex", values)
        guard values.count <= 2 else { throw given.wrongCount(0...2) }
        var turn = frame.innermost
        var offset: Int64 = 0
        if let loop = values.first?.string {
            turn = frame.turns[loop.lowercased()]
            if values.count == 2 { offset = try given.integer(1) }
        } else if let first = values.first {
            guard let number = first.integer, values.count == 1 else {
                throw given.wrongType(0, "a loop or an integer")
            }
            offset = number
        }
        guard let turn else {
            throw TemplateError(
                "The template function 'copyIndex' is not expected at this location: there is no such loop."
            )
        }
        let (sum, overflow) = turn.addingReportingOverflow(offset)
        guard !overflow else { throw given.wrong("was given an offset that is too large.") }
        return .integer(sum)
    }

    private mutating func reference(_ arguments: [TemplateExpression], _ frame: Frame, _ lookup: TemplateLookup)
        throws(TemplateError) -> JSONValue
    {
        var values: [JSONValue] = []
        for argument in arguments { values.append(try self.evaluate(argument, frame, lookup)) }
        let given = Arguments("reference", values)
        guard (1...3).contains(values.count) else { throw given.wrongCount(1...3) }
        guard self.phase == .running, frame.arguments == nil else {
            throw TemplateError(
                "The template function 'reference' is not expected at this location: it works in the properties of "
                    + "resources and in outputs."
            )
        }
        let name = try given.text(0)
        let isFull = try values.count == 3 ? given.text(2) : ""
        guard isFull.isEmpty || isFull.lowercased() == "full" else {
            throw given.wrong("knows no other word than 'Full'.")
        }
        return try lookup(TemplateReference(path: try self.path(named: name), isFull: !isFull.isEmpty))
    }

    /// The resource that a name, a symbol, `type/name` or an identifier means.
    func path(named name: String) throws(TemplateError) -> ResourcePath {
        if name.hasPrefix("/"), let path = ResourcePath(name) { return path }
        guard let found = self.names[name.lowercased()], let path = found.first else {
            throw TemplateError(
                "The resource '\(PrintableText.of(name, limit: 200))' is not defined in the template. Name it by resourceId()."
            )
        }
        guard Set(found).count == 1 else {
            throw TemplateError(
                "Several resources are called '\(PrintableText.of(name, limit: 200))'. Use resourceId()."
            )
        }
        return path
    }

    // MARK: Lambdas

    private mutating func lambdaFunction(
        _ name: String,
        _ arguments: [TemplateExpression],
        _ frame: Frame,
        _ lookup: TemplateLookup
    ) throws(TemplateError) -> JSONValue {
        guard arguments.count >= 2 else { throw Arguments(name, []).wrong("takes an array and a lambda.") }
        let list = try Arguments(name, [try self.evaluate(arguments[0], frame, lookup)]).array(0)
        try self.budget.spend(list.count + 1)
        switch (name, arguments.count) {
        case ("map", 2):
            var out: [JSONValue] = []
            for (index, one) in list.enumerated() {
                out.append(try self.apply(arguments[1], [one, .integer(Int64(index))], name, frame, lookup))
            }
            return .array(out)
        case ("filter", 2):
            var out: [JSONValue] = []
            for (index, one) in list.enumerated() {
                let kept = try self.apply(arguments[1], [one, .integer(Int64(index))], name, frame, lookup)
                if try Arguments(name, [kept]).truth(0) { out.append(one) }
            }
            return .array(out)
        case ("reduce", 3):
            var result = try self.evaluate(arguments[1], frame, lookup)
            for (index, one) in list.enumerated() {
                result = try self.apply(arguments[2], [result, one, .integer(Int64(index))], name, frame, lookup)
            }
            return result
        case ("sort", 2):
            var out: [JSONValue] = []
            for one in list {
                var place = out.count
                while place > 0 {
                    let precedes = try self.apply(arguments[1], [one, out[place - 1]], name, frame, lookup)
                    guard try Arguments(name, [precedes]).truth(0) else { break }
                    place -= 1
                }
                out.insert(one, at: place)
            }
            return .array(out)
        case ("toobject", 2...3):
            var out: [String: JSONValue] = [:]
            for one in list {
                let key = try self.apply(arguments[1], [one], name, frame, lookup)
                let text = try Arguments(name, [key]).text(0)
                out[text] = try arguments.count == 3 ? self.apply(arguments[2], [one], name, frame, lookup) : one
            }
            return .object(out)
        default:
            throw Arguments(name, []).wrong("was given the wrong number of arguments.")
        }
    }

    private mutating func apply(
        _ lambda: TemplateExpression,
        _ values: [JSONValue],
        _ name: String,
        _ frame: Frame,
        _ lookup: TemplateLookup
    ) throws(TemplateError) -> JSONValue {
        guard case .call("lambda", let parts, _) = lambda, let body = parts.last, parts.count - 1 <= values.count else {
            throw Arguments(name, []).wrong("needs a lambda.")
        }
        var inner = frame
        for (part, value) in zip(parts.dropLast(), values) {
            guard case .literal(.string(let variable)) = part else {
                throw Arguments(name, []).wrong("needs a lambda whose variables are texts.")
            }
            inner.lambdas[variable.lowercased()] = value
        }
        try self.budget.spend(2)
        return try self.evaluate(body, inner, lookup)
    }
}

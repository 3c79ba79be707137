import Vocabulary

/// Puts the words of an expression together.
struct ExpressionParser {
    let tokens: [(token: ExpressionToken, at: Int)]
    private var next = 0

    init(tokens: [(token: ExpressionToken, at: Int)]) {
        self.tokens = tokens
    }

    /// The expression that all words make.
    mutating func whole() throws(TemplateError) -> TemplateExpression {
        let (expression, _) = try self.expression(depth: 0)
        guard self.next == self.tokens.count else {
            throw TemplateError("The expression goes on after its end.", position: self.place)
        }
        return expression
    }

    private var place: Int { self.next < self.tokens.count ? self.tokens[self.next].at : (self.tokens.last?.at ?? 1) }

    private mutating func take(_ mark: Character) -> Bool {
        guard self.next < self.tokens.count, case .mark(let byte) = self.tokens[self.next].token,
            byte == mark.asciiValue
        else { return false }
        self.next += 1
        return true
    }

    private mutating func expect(_ mark: Character) throws(TemplateError) {
        guard self.take(mark) else {
            throw TemplateError("The expression needs '\(mark)' there.", position: self.place)
        }
    }

    private mutating func name() throws(TemplateError) -> String {
        guard self.next < self.tokens.count, case .name(let name) = self.tokens[self.next].token else {
            throw TemplateError("The expression needs a name there.", position: self.place)
        }
        self.next += 1
        return name
    }

    // Returns the height of what it read too: working it out recurses that deep.
    private mutating func expression(depth: Int) throws(TemplateError) -> (TemplateExpression, height: Int) {
        guard depth < TemplateExpression.deepest else { throw self.tooDeep }
        var (result, height) = try self.primary(depth: depth)
        while true {
            let at = self.place
            if self.take(".") {
                let isOptional = self.take("?")
                result = .member(result, try self.name(), isOptional: isOptional, at: at)
                height += 1
            } else if self.take("[") {
                let isOptional = self.take("?")
                let (index, indexHeight) = try self.expression(depth: depth + 1)
                try self.expect("]")
                result = .element(result, index, isOptional: isOptional, at: at)
                height = max(height, indexHeight) + 1
            } else {
                return (result, height)
            }
            guard height <= TemplateExpression.deepest else { throw self.tooDeep }
        }
    }

    private var tooDeep: TemplateError {
        TemplateError(
            "The expression is nested more than \(TemplateExpression.deepest) levels deep. Split it with variables.",
            position: self.place
        )
    }

    private mutating func primary(depth: Int) throws(TemplateError) -> (TemplateExpression, height: Int) {
        guard self.next < self.tokens.count else {
            throw TemplateError("The expression ends too early.", position: self.place)
        }
        let (token, at) = self.tokens[self.next]
        switch token {
        case .text(let text):
            self.next += 1
            return (.literal(.string(text)), 1)
        case .number(let number):
            self.next += 1
            return (.literal(.integer(number)), 1)
        case .name:
            return try self.call(depth: depth, at: at)
        case .mark:
            throw TemplateError("The expression needs a function, a text or a number there.", position: at)
        }
    }

    private mutating func call(depth: Int, at: Int) throws(TemplateError) -> (TemplateExpression, height: Int) {
        var name = try self.name()
        if self.take(".") { name += "." + (try self.name()) }
        try self.expect("(")
        var arguments: [TemplateExpression] = []
        var height = 0
        if !self.take(")") {
            repeat {
                let (argument, argumentHeight) = try self.expression(depth: depth + 1)
                arguments.append(argument)
                height = max(height, argumentHeight)
            } while self.take(",")
            try self.expect(")")
        }
        guard height < TemplateExpression.deepest else { throw self.tooDeep }
        return (.call(name.lowercased(), arguments, at: at), height + 1)
    }
}

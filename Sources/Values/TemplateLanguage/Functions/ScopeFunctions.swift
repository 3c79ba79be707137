import Vocabulary

/// Functions about where a template is deployed, and those that write identifiers.
extension TemplateFunctions {
    static let scopes: [String: LanguageFunction] = [
        "subscription": LanguageFunction(0...0) { evaluator, given throws(TemplateError) in
            try Self.known(evaluator.surroundings.subscription, given, "a subscription")
        },
        "resourcegroup": LanguageFunction(0...0) { evaluator, given throws(TemplateError) in
            try Self.known(evaluator.surroundings.resourceGroup, given, "a resource group")
        },
        "managementgroup": LanguageFunction(0...0) { _, given throws(TemplateError) in
            try Self.known(nil, given, "a management group")
        },
        "tenant": LanguageFunction(0...0) { evaluator, _ in evaluator.surroundings.tenant },
        "deployment": LanguageFunction(0...0) { evaluator, _ in evaluator.surroundings.deployment },
        "deployer": LanguageFunction(0...0) { evaluator, _ in evaluator.surroundings.deployer },
        "environment": LanguageFunction(0...0) { evaluator, _ in evaluator.surroundings.environment },
        "providers": LanguageFunction(1...2) { evaluator, given throws(TemplateError) in
            let namespace = try given.text(0)
            guard given.count == 2 else { throw given.wrong("needs a resource type after the namespace.") }
            guard let found = evaluator.surroundings.provider(namespace, try given.text(1)) else {
                throw given.wrong(
                    "does not know '\(PrintableText.of(namespace))/\(PrintableText.of(try given.text(1)))'."
                )
            }
            return found
        },
        "resourceid": LanguageFunction(2...(.max)) { evaluator, given throws(TemplateError) in
            let texts = try Self.texts(of: given)
            guard let place = texts.prefix(3).firstIndex(where: { $0.contains("/") }) else {
                throw given.wrong("needs a type such as 'Microsoft.Compute/virtualMachines'.")
            }
            let scope = evaluator.surroundings.scope
            let subscription = place == 2 ? texts[0] : scope.subscription?.description
            let group = place > 0 ? texts[place - 1] : scope.resourceGroup
            var base = ""
            if let subscription { base = "/subscriptions/\(subscription)" }
            if let group { base += "/resourceGroups/\(group)" }
            return .string(try Self.identifier(base, texts[place], Array(texts[(place + 1)...]), given))
        },
        "subscriptionresourceid": LanguageFunction(2...(.max)) { evaluator, given throws(TemplateError) in
            let texts = try Self.texts(of: given)
            let place = texts[0].contains("/") ? 0 : 1
            guard let subscription = place == 1 ? texts[0] : evaluator.surroundings.scope.subscription?.description
            else {
                throw given.wrong("needs a subscription there.")
            }
            let names = Array(texts[(place + 1)...])
            return .string(try Self.identifier("/subscriptions/\(subscription)", texts[place], names, given))
        },
        "tenantresourceid": LanguageFunction(2...(.max)) { _, given throws(TemplateError) in
            let texts = try Self.texts(of: given)
            return .string(try Self.identifier("", texts[0], Array(texts[1...]), given))
        },
        "managementgroupresourceid": LanguageFunction(3...(.max)) { _, given throws(TemplateError) in
            let texts = try Self.texts(of: given)
            let base = "/providers/Microsoft.Management/managementGroups/\(texts[0])"
            return .string(try Self.identifier(base, texts[1], Array(texts[2...]), given))
        },
        "extensionresourceid": LanguageFunction(3...(.max)) { _, given throws(TemplateError) in
            let texts = try Self.texts(of: given)
            var base = texts[0]
            while base.hasSuffix("/") { base.removeLast() }
            return .string(try Self.identifier(base, texts[1], Array(texts[2...]), given))
        },
        "pickzones": LanguageFunction(3...5, pure: { _ in [] }),
    ]

    private static func known(_ value: JSONValue?, _ given: Arguments, _ place: String) throws(TemplateError)
        -> JSONValue
    {
        guard let value else {
            throw given.wrong("is not allowed here: the template is not deployed to \(place).")
        }
        return value
    }

    private static func texts(of given: Arguments) throws(TemplateError) -> [String] {
        var texts: [String] = []
        for index in given.values.indices {
            if let number = given[index].integer {
                texts.append(String(number))
            } else {
                texts.append(try given.text(index))
            }
        }
        return texts
    }

    private static func identifier(_ base: String, _ type: String, _ names: [String], _ given: Arguments)
        throws(TemplateError) -> String
    {
        guard let path = ResourceName.path(type, names.flatMap(ResourceName.segments)) else {
            throw given.wrong(
                "was given a different number of names than '\(PrintableText.of(type, limit: 120))' has parts after its namespace."
            )
        }
        return base + path
    }
}

/// Types and names of resources as identifiers.
enum ResourceName {
    /// The parts of a name or type between its slashes.
    static func segments(_ text: String) -> [String] {
        text.split(separator: "/" as Character, omittingEmptySubsequences: false).map(String.init)
    }

    /// `/providers/{namespace}/{type}/{name}/…`, or the place of a resource group; nil when the numbers of parts differ.
    static func path(_ type: String, _ names: [String]) -> String? {
        let types = Self.segments(type)
        guard types.count == names.count + 1, !names.isEmpty, !names.contains(""), !types.contains("") else {
            return nil
        }
        let pairs = zip(types.dropFirst(), names).map { "\($0)/\($1)" }.joined(separator: "/")
        return "/providers/\(types[0])/\(pairs)"
    }
}

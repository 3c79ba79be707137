import Synchronization
import Testing
import Vocabulary

@testable import TemplateLanguage

/// Small templates in a resource group that is always the same.
enum TestTemplates {
    static let group = "/subscriptions/5a11b0a7-0000-4000-8000-000000000002/resourceGroups/demo"

    static var surroundings: TemplateSurroundings {
        var surroundings = TemplateSurroundings(
            scope: ResourcePath(group) ?? .root,
            now: Instant(seconds: 1_767_225_600),
            random: RandomSource { count in (0..<count).map { UInt8(truncatingIfNeeded: $0) } }
        ) { namespace, type in
            namespace == "Microsoft.Compute" ? ["resourceType": .string(type), "apiVersions": ["2024-11-01"]] : nil
        }
        surroundings.subscription = ["subscriptionId": "5a11b0a7-0000-4000-8000-000000000002"]
        surroundings.resourceGroup = ["name": "demo", "location": "local", "id": .string(group)]
        return surroundings
    }

    /// A template with nothing but these parts.
    static func template(_ parts: JSONValue) -> JSONValue {
        var template: JSONValue = ["contentVersion": "1.0.0.0", "resources": []]
        for (name, part) in parts.object ?? [:] { template[name] = part }
        return template
    }

    static func run(_ parts: JSONValue, _ parameters: JSONValue = [:]) throws -> TemplateRun {
        try TemplateRun(try Template(reading: self.template(parts)), parameters: parameters, in: self.surroundings)
    }

    /// The value of an expression in an output.
    static func value(_ expression: String, variables: JSONValue = [:]) throws -> JSONValue {
        var run = try self.run([
            "variables": variables, "outputs": ["o": ["type": "array", "value": .array([.string(expression)])]],
        ])
        let outputs = try run.outputs { reference throws(TemplateError) in
            reference.isFull ? ["identity": ["principalId": "p"]] : ["size": 3]
        }
        return try #require(outputs["o"]?.value?.array?.first)
    }

    /// What is wrong with an expression.
    static func error(_ expression: String) -> TemplateError? {
        do {
            _ = try self.value(expression)
            return nil
        } catch {
            return error as? TemplateError
        }
    }

    static func network(_ name: String, _ more: JSONValue = [:]) -> JSONValue {
        var resource: JSONValue = [
            "type": "Microsoft.Network/virtualNetworks", "apiVersion": "2024-01-01", "name": .string(name),
            "location": "local",
            "properties": [:],
        ]
        for (name, part) in more.object ?? [:] { resource[name] = part }
        return resource
    }
}

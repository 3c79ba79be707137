public import AccessControl
public import Vocabulary

extension Resources {
    /// What a group holds, as a template that would make it again. Source: Azure template reference; resource groups REST, "Export Template".
    ///
    /// Names and references stand in it as they are; what the server decides itself and what is secret is left out.
    /// - Parameter paths: the resources wanted, with what is below them; nil for all that the subject may read.
    public func template(of group: ResourcePath, only paths: [ResourcePath]?, for subject: Subject)
        throws(Problem) -> JSONValue
    {
        for path in paths ?? [] where !group.contains(path) || self.resource(path) == nil {
            throw .missing(path)
        }
        let found = self.list(below: group).filter { resource in
            guard let kind = self.catalogue.kind(at: resource.path), !kind.isExtension, resource.path != group else {
                return false
            }
            return paths?.contains { $0.contains(resource.path) } ?? true && self.mayRead(resource.path, subject)
        }
        let known = Set(found.map(\.path))
        return [
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0", "parameters": [:], "variables": [:],
            "resources": .array(
                found.compactMap { resource in
                    self.catalogue.kind(at: resource.path).map { Self.element(resource, $0, known) }
                }
            ),
        ]
    }

    private static func element(_ resource: Resource, _ kind: ResourceKind, _ known: Set<ResourcePath>) -> JSONValue {
        var element: JSONValue = [
            "type": .string(kind.type), "apiVersion": "2024-11-01", "name": .string(Self.names(of: resource.path)),
            "properties": Shape.object(kind.properties).withoutServersOwn(resource.properties),
        ]
        element["location"] = resource.location.map { .string($0) }
        element["sku"] = resource.sku
        element["zones"] = resource.zones
        element["identity"] = resource.identity?["type"].map { ["type": $0] }
        if !resource.tags.isEmpty { element["tags"] = .object(resource.tags.mapValues { .string($0) }) }
        var needs = kind.references(of: resource).map(\.path)
        if kind.isChild, let parent = resource.path.parent { needs.append(parent) }
        let inside = Set(needs).intersection(known).sorted { $0.key < $1.key }
        if !inside.isEmpty { element["dependsOn"] = .array(inside.map { .string($0.description) }) }
        return element
    }

    // `vnet/subnet` for a child, as templates write names.
    private static func names(of path: ResourcePath) -> String {
        let start = path.segments.lastIndex { $0.lowercased() == "providers" }.map { $0 + 3 } ?? path.segments.count - 1
        return stride(from: start, to: path.segments.count, by: 2).map { path.segments[$0] }.joined(separator: "/")
    }
}

extension Shape {
    /// The part of a value that a client may send.
    func withoutServersOwn(_ value: JSONValue) -> JSONValue {
        switch self {
        case .object(let members):
            guard let object = value.object else { return value }
            let kept = object.filter { name, _ in
                switch members[name]?.use {
                case .readOnly, .writeOnly: false
                case .optional, .required, nil: true
                }
            }
            return .object(
                Dictionary(
                    uniqueKeysWithValues: kept.map {
                        ($0.key, members[$0.key]?.shape.withoutServersOwn($0.value) ?? $0.value)
                    }
                )
            )
        case .named(let members):
            return .array(
                (value.array ?? []).map { element in
                    var kept = element
                    kept["properties"] = Shape.object(members).withoutServersOwn(element["properties"] ?? [:])
                    return kept
                }
            )
        case .list(let element):
            return .array((value.array ?? []).map { element.withoutServersOwn($0) })
        case .anything, .text, .word, .flag, .number, .reference, .identifier:
            return value
        }
    }
}

import AccessControl
import HTTPTypes
import Resources
import Vocabulary

/// What clients ask about providers beside their types: what roles can allow, and previews.
extension ResourceRoutes {
    /// `/providers/Microsoft.Authorization/providerOperations` and the one of a namespace. Source: Azure authorization REST, "Provider
    /// Operations Metadata".
    func providerOperations(_ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard call.request.method == .get else { throw .methodNotAllowed(call.request) }
        let offered = Dictionary(grouping: self.resources.types) { type in
            type.split(separator: "/" as Character).first.map(String.init) ?? type
        }
        let names = offered.keys.sorted()
        guard call.request.path.segments.count == 4 else {
            return .list(names.map { self.operations($0, offered[$0] ?? []) })
        }
        let wanted = call.request.path.name
        guard let name = names.first(where: { $0.lowercased() == wanted.lowercased() }) else {
            throw Problem(
                "InvalidResourceNamespace",
                shown: "The resource namespace '\(PrintableText.of(wanted))' is invalid."
            )
        }
        return .ok(self.operations(name, offered[name] ?? []))
    }

    private func operations(_ namespace: String, _ types: [String]) -> JSONValue {
        [
            "id": .string("/providers/Microsoft.Authorization/providerOperations/\(namespace)"),
            "name": .string(namespace), "type": "Microsoft.Authorization/providerOperations",
            "displayName": .string(namespace), "operations": [],
            "resourceTypes": .array(
                types.sorted().map { type in
                    let all = self.resources.actions(of: type) + Self.dataActions(of: type)
                    return [
                        "name": .string(String(type.dropFirst(namespace.count + 1))), "displayName": .string(type),
                        "operations": .array(
                            all.map { action in
                                [
                                    "name": .string(action.name), "displayName": .string(action.name),
                                    "description": .string(action.name), "origin": "user,system",
                                    "isDataAction": .bool(action.isData),
                                ]
                            }
                        ),
                    ]
                }
            ),
        ]
    }

    private static func dataActions(of type: String) -> [Action] {
        switch type {
        case "Microsoft.Compute/virtualMachines": [.virtualMachineLogin, .virtualMachineLoginAsAdmin]
        case "Microsoft.HybridCompute/machines": [.hybridMachineLogin, .hybridMachineLoginAsAdmin]
        default: []
        }
    }

    /// What stands below `/providers/Microsoft.Features`: there are no previews to switch on. Source: Azure feature exposure control REST.
    func features(_ call: ResourceCall) throws(Problem) -> ARMResponse {
        let words = call.request.path.segments.dropFirst(4).map { $0.lowercased() }
        // `features`, `subscriptionFeatureRegistrations`, and both of one provider.
        let isOfProvider = ["providers", "featureproviders"].contains(words.first)
        let rest = isOfProvider ? Array(words.dropFirst(2)) : words
        guard ["features", "subscriptionfeatureregistrations"].contains(rest.first) else {
            throw Problem("ResourceNotFound", shown: "There is nothing at '\(call.request.path)'.")
        }
        guard rest.count > 1 else {
            guard call.request.method == .get else { throw .methodNotAllowed(call.request) }
            return .list([])
        }
        let place = call.request.path.segments.count - rest.count + 1
        throw Problem(
            "FeatureNotFound",
            shown:
                "The feature '\(PrintableText.of(call.request.path.segments[place], limit: 80))' could not be found: "
                + "there are no previews here to be switched on."
        )
    }
}

import AccessControl
import Federation
import HTTPTypes
import Resources
import Vocabulary

/// What clients ask before they work: tenants, subscriptions, places, what is offered. Source: Azure Resources REST, 2022-12-01.
extension ResourceRoutes {
    func tenants(_ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard call.request.method == .get else { throw .methodNotAllowed(call.request) }
        let settings = self.resources.settings
        let id = settings.tenantID.description
        return .list([
            [
                "id": .string("/tenants/\(id)"), "tenantId": .string(id), "tenantCategory": "Home",
                "displayName": .string(settings.tenantName),
                "defaultDomain": .string(settings.domains.first ?? ""),
                "domains": .array(settings.domains.map { .string($0) }), "tenantType": "AAD",
            ]
        ])
    }

    func subscriptions(_ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard call.request.method == .get else { throw .methodNotAllowed(call.request) }
        let found = self.resources.subscriptions(for: call.caller.subject)
        var answer = ARMResponse.list(found.map { self.resources.document(of: $0) })
        answer.document?["count"] = ["type": "Total", "value": .integer(Int64(found.count))]
        return answer
    }

    func subscription(_ id: GUID, _ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard call.request.method == .get else { throw .methodNotAllowed(call.request) }
        guard let path = ResourcePath("/subscriptions/\(id)"), let found = self.resources.resource(path) else {
            throw Problem("SubscriptionNotFound", shown: "The subscription '\(id)' could not be found.")
        }
        return .ok(self.resources.document(of: found))
    }

    func locations(_ subscription: GUID, _ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard call.request.method == .get else { throw .methodNotAllowed(call.request) }
        return .list(
            self.resources.settings.locations.map { location in
                [
                    "id": .string("/subscriptions/\(subscription)/locations/\(location.name)"),
                    "name": .string(location.name), "type": "Region", "displayName": .string(location.displayName),
                    "regionalDisplayName": .string(location.displayName),
                    "metadata": ["regionType": "Physical", "regionCategory": "Recommended"],
                ]
            }
        )
    }

    /// `providers`, `providers/{namespace}` and `POST providers/{namespace}/register`: everything is registered always.
    func providers(_ call: ResourceCall, below subscription: GUID?) throws(Problem) -> ARMResponse {
        let segments = call.request.path.segments
        let place = segments.firstIndex { $0.lowercased() == "providers" } ?? 0
        let wanted = segments.dropFirst(place + 1).first
        let isRegistration = segments.count == place + 3
        guard call.request.method == (isRegistration ? .post : .get) else { throw .methodNotAllowed(call.request) }
        let offered = Dictionary(grouping: self.resources.types + Self.otherTypes) { type in
            type.split(separator: "/" as Character).first.map(String.init) ?? type
        }
        guard let wanted else {
            return .list(offered.sorted { $0.key < $1.key }.map { self.provider($0.key, $0.value, subscription) })
        }
        guard let found = offered.first(where: { $0.key.lowercased() == wanted.lowercased() }) else {
            throw Problem(
                "InvalidResourceNamespace",
                shown: "The resource namespace '\(PrintableText.of(wanted))' is invalid."
            )
        }
        return .ok(self.provider(found.key, found.value, subscription))
    }

    private static let otherTypes = [
        "Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/roleDefinitions",
        "Microsoft.Authorization/denyAssignments", "Microsoft.Authorization/permissions", "Microsoft.Resources/tags",
        "Microsoft.Resources/deployments", "Microsoft.Resources/resources", "Microsoft.Resources/providers",
        "Microsoft.Resources/subscriptions/resourceGroups", "Microsoft.Compute/locations",
        "Microsoft.Compute/locations/publishers", "Microsoft.Network/locations",
        "Microsoft.Management/managementGroups",
    ]

    // Clients choose one of these dates; any date is understood.
    private static let versions: [JSONValue] = [
        "2026-04-01", "2025-07-01", "2025-04-01", "2024-11-01", "2024-07-01", "2024-01-01", "2023-11-01", "2022-12-01",
        "2022-05-01", "2022-04-01", "2022-01-01",
    ]

    private func provider(_ namespace: String, _ types: [String], _ subscription: GUID?) -> JSONValue {
        let places = self.resources.settings.locations.map { JSONValue.string($0.displayName) }
        let above = subscription.map { "/subscriptions/\($0)" } ?? ""
        return [
            "id": .string("\(above)/providers/\(namespace)"), "namespace": .string(namespace),
            "registrationState": "Registered", "registrationPolicy": "RegistrationRequired",
            "resourceTypes": .array(
                types.sorted().map { type in
                    [
                        "resourceType": .string(String(type.dropFirst(namespace.count + 1))),
                        "locations": .array(places), "apiVersions": .array(Self.versions),
                        "defaultApiVersion": "2024-11-01", "capabilities": "SupportsTags, SupportsLocation",
                    ]
                }
            ),
        ]
    }
}

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

    /// Deployments come in a later version; until then the answer says what to do instead.
    func deployments(_ rest: [String], _ call: ResourceCall) throws(Problem) -> ARMResponse {
        let type = "Microsoft.Resources/deployments"
        let isRead = call.request.method == .get || call.request.method == .head
        let scope = call.request.path.provider?.scope ?? .root
        try self.resources.require(isRead ? .read(type) : .write(type), at: scope, for: call.caller.subject)
        if isRead {
            if rest.count == 1 { return .list([]) }
            throw Problem(
                "DeploymentNotFound",
                shown: "Deployment '\(PrintableText.of(rest[1], limit: 64))' could not be found."
            )
        }
        throw Problem(
            "DeploymentsNotSupported",
            shown:
                "Templates cannot be deployed by this installation yet, so no machine can be created this way. Declare "
                + "the machine with 'sallyport apply' and join it with sally-agent."
        )
    }

    /// The catalogue of extensions, in the bare arrays in which Azure answers for it alone.
    func catalogue(_ location: String, _ rest: [String], _ call: ResourceCall) throws(Problem) -> ARMResponse {
        let base = call.request.path.segments.prefix(6).joined(separator: "/")
        let place = JSONValue.string(location)
        let publisher = ExtensionCatalogue.publisher
        func entry(_ name: String, _ below: String) -> JSONValue {
            ["id": .string("/\(base)/publishers\(below)/\(name)"), "name": .string(name), "location": place]
        }
        let words = rest.map { $0.lowercased() }
        if words.isEmpty { return .ok([entry(publisher, "")]) }
        let isKnown = words[0] == publisher.lowercased()
        let above = "/\(publisher)/artifacttypes/vmextension/types"
        guard words.count >= 4, words[1] == "artifacttypes", words[2] == "vmextension", words[3] == "types" else {
            throw Problem("ArtifactNotFound", shown: "Only extensions are in the catalogue; images are not offered.")
        }
        if words.count == 4 { return .ok(.array(isKnown ? ExtensionCatalogue.types.map { entry($0, above) } : [])) }
        guard isKnown, let type = ExtensionCatalogue.types.first(where: { $0.lowercased() == words[4] }) else {
            throw Problem("ArtifactNotFound", shown: "There is no such extension in the catalogue.")
        }
        let version = entry(ExtensionCatalogue.version, "\(above)/\(type)/versions")
        switch words.count {
        case 6 where words[5] == "versions": return .ok([version])
        case 7 where words[6] == ExtensionCatalogue.version: return .ok(version)
        default: throw Problem("ArtifactNotFound", shown: "There is no such version in the catalogue.")
        }
    }
}

import AccessControl
import Federation
import HTTPTypes
import Resources
import Vocabulary

/// What clients ask about networks before they make something there. Source: Azure virtual networks REST, "Check IP Address
/// Availability"; Azure networking REST, "Usages", "Available Delegations", "Available Endpoint Services".
extension ResourceRoutes {
    /// What stands below `/providers/Microsoft.Network/locations/{location}`; nil for what this is not about.
    func networkFacts(_ location: String, _ word: String, _ call: ResourceCall) -> ARMResponse? {
        switch word.lowercased() {
        case "usages": self.networkUsages(location, call)
        // No service of a cloud stands in a subnet here, so there is none to choose from.
        case "availabledelegations", "virtualnetworkavailableendpointservices", "availableservicealiases",
            "availableprivateendpointtypes":
            .list([])
        default: nil
        }
    }

    private func networkUsages(_ location: String, _ call: ResourceCall) -> ARMResponse {
        let scope = call.request.path.subscription.flatMap { ResourcePath("/subscriptions/\($0)") } ?? .root
        let kinds = [
            ("VirtualNetworks", "Virtual Networks", "virtualNetworks"),
            ("NetworkInterfaces", "Network Interfaces", "networkInterfaces"),
            ("NetworkSecurityGroups", "Network Security Groups", "networkSecurityGroups"),
            ("PublicIPAddresses", "Public IP Addresses", "publicIPAddresses"),
            ("RouteTables", "Route Tables", "routeTables"),
        ]
        return .list(
            kinds.map { name, shown, type in
                let count = self.resources.list(type: "Microsoft.Network/\(type)", below: scope)
                    .count {
                        $0.location == location.lowercased() && self.resources.mayRead($0.path, call.caller.subject)
                    }
                return [
                    "id": .string("\(scope)/providers/Microsoft.Network/locations/\(location)/usages/\(name)"),
                    "unit": "Count", "currentValue": .integer(Int64(count)), "limit": 100_000,
                    "name": ["value": .string(name), "localizedValue": .string(shown)],
                ]
            }
        )
    }

    /// `GET {network}/CheckIPAddressAvailability`.
    func addressAvailability(_ call: ResourceCall) throws(Problem) -> ARMResponse {
        let segments = call.request.path.segments.dropLast()
        guard let path = ResourcePath("/" + segments.joined(separator: "/")) else {
            throw .methodNotAllowed(call.request)
        }
        let network = try self.resources.get(path, for: call.caller.subject)
        let text = call.request.options["ipaddress"] ?? ""
        guard let address = IPv4Address(text) else {
            throw Problem(
                "InvalidIPAddress",
                shown: "The value of 'ipAddress' is '\(PrintableText.of(text, limit: 64))', which is no IPv4 address."
            )
        }
        let found = self.resources.availability(of: address, in: network)
        return .ok([
            "available": .bool(found.isFree), "isPlatformReserved": false,
            "availableIPAddresses": .array(found.others.map { .string($0.description) }),
        ])
    }
}

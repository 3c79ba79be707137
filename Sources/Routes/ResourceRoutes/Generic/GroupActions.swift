import AccessControl
import Federation
import HTTPTypes
import Resources
import Vocabulary

/// POST on a resource group. Source: Azure resource groups REST, "Export Template", "Resources - Move Resources".
extension ResourceRoutes {
    func actOnGroup(_ call: ResourceCall) throws(Problem) -> ARMResponse {
        let path = call.request.path
        guard let group = ResourcePath("/" + path.segments.dropLast().joined(separator: "/")),
            let named = self.resources.actionType(of: Self.groupType)
        else { throw .methodNotAllowed(call.request) }
        let word = path.name.lowercased()
        guard ["exporttemplate", "moveresources", "validatemoveresources"].contains(word) else {
            throw .methodNotAllowed(call.request)
        }
        try self.resources.require(.post(path.name, of: named), at: group, for: call.caller.subject)
        _ = try self.resources.get(group, for: call.caller.subject)
        guard word == "exporttemplate" else {
            try self.resources.checkLocks(.write, at: group)
            throw try self.refusalToMove(from: group, call)
        }
        let wanted = (call.request.body?.member("resources")?.array ?? ["*"]).compactMap(\.string)
        let paths = wanted.contains("*") ? nil : wanted.compactMap { ResourcePath($0) }
        return .ok([
            "template": try self.resources.template(of: group, only: paths, for: call.caller.subject)
        ])
    }

    // Roles, locks, sessions and machines all hang on a resource's path, so it keeps it; what is wrong with the request is said first.
    private func refusalToMove(from group: ResourcePath, _ call: ResourceCall) throws(Problem) -> Problem {
        let body = call.request.body ?? [:]
        let ids = (body.member("resources")?.array ?? []).compactMap(\.string)
        guard (1...800).contains(ids.count), let target = body.member("targetResourceGroup")?.string,
            let place = ResourcePath(target), place.isOf(type: Self.groupType)
        else {
            throw Problem(
                "InvalidRequestContent",
                shown:
                    "The request content was invalid: 'resources' names 1 to 800 resources, and 'targetResourceGroup' "
                    + "a resource group."
            )
        }
        _ = try self.resources.get(place, for: call.caller.subject)
        for id in ids {
            guard let path = ResourcePath(id), group.contains(path), path != group else {
                throw Problem(
                    "ResourceMoveResourcesNotInGroup",
                    shown: "'\(PrintableText.of(id))' is not in the resource group '\(group.name)'."
                )
            }
            _ = try self.resources.get(path, for: call.caller.subject)
        }
        return Problem(
            "ResourceMoveNotSupported",
            shown: "Resources cannot be moved: their roles, locks and machines belong to their address. Create them in "
                + "'\(place.name)' (az group export helps) and delete the old ones."
        )
    }

    // MARK: Names

    /// `POST /providers/Microsoft.Resources/checkResourceName`.
    func checkResourceName(_ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard call.request.method == .post else { throw .methodNotAllowed(call.request) }
        guard let name = call.request.body?.member("name")?.string, let type = call.request.body?.member("type")?.string
        else {
            throw Problem(
                "InvalidRequestContent",
                shown: "The request content was invalid: 'name' and 'type' are required."
            )
        }
        let lower = name.lowercased()
        let isReserved =
            ["login", "xbox"].contains { lower.hasPrefix($0) }
            || ["microsoft", "windows"].contains { lower.contains($0) }
        return .ok(["name": .string(name), "type": .string(type), "status": isReserved ? "Reserved" : "Allowed"])
    }

    /// `GET …/Microsoft.Network/locations/{location}/CheckDnsNameAvailability?domainNameLabel=…`.
    func checkLabel(_ location: String, _ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard let label = call.request.options["domainnamelabel"], !label.isEmpty else {
            throw Problem("InvalidDomainNameLabel", shown: "The query parameter 'domainNameLabel' is required.")
        }
        return .ok(["available": .bool(self.resources.isFree(domainNameLabel: label, in: location))])
    }

    /// What lies on an interface in effect; nil for other words and other kinds.
    func effective(_ word: String, of resource: Resource) -> ARMResponse? {
        guard resource.type == "Microsoft.Network/networkInterfaces" else { return nil }
        switch word.lowercased() {
        case "effectivenetworksecuritygroups": return .list(self.resources.effectiveSecurityGroups(of: resource))
        case "effectiveroutetable": return .list(self.resources.effectiveRoutes(of: resource))
        default: return nil
        }
    }
}

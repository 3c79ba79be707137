import AccessControl
import Identity
import Vocabulary

extension AuthorizationRoutes {
    func listDenials(_ call: AuthorizationCall) throws(Problem) -> ARMResponse {
        try self.access.require(.read(DenyAssignment.type), at: call.scope, for: call.subject)
        return .list(self.access.denials(at: call.scope).map(Self.document))
    }

    func readDenial(_ name: String, _ call: AuthorizationCall) throws(Problem) -> ARMResponse {
        try self.access.require(.read(DenyAssignment.type), at: call.scope, for: call.subject)
        guard let found = GUID(name).flatMap({ self.access.denial($0) }), found.scope == call.scope else {
            throw Problem(
                "DenyAssignmentNotFound",
                shown: "The deny assignment '\(PrintableText.of(name))' is not found."
            )
        }
        return .ok(Self.document(of: found))
    }

    /// Makes a denial for everybody but some, or for one user or service principal.
    func putDenial(_ name: String, _ call: AuthorizationCall) async throws(Problem) -> ARMResponse {
        try self.access.require(.write(DenyAssignment.type), at: call.scope, for: call.subject)
        guard let name = GUID(name), let properties = call.request.properties else {
            throw Problem(
                "InvalidDenyAssignment",
                shown: "The request needs a GUID as name, and properties.denyAssignmentName and permissions."
            )
        }
        guard self.exists(call.scope) else {
            throw Problem("ResourceNotFound", shown: "The scope '\(call.scope)' was not found.")
        }
        var permissions: [Permission] = []
        for permission in properties.member("permissions")?.array ?? [] {
            permissions.append(try Self.permission(permission))
        }
        let principals = try Self.principals(properties.member("principals"))
        let isForEverybody = principals == [.zero]
        guard isForEverybody || principals.count == 1 else {
            throw Problem(
                "InvalidDenyAssignment",
                shown: "A deny assignment is for everybody, or for one user or service principal."
            )
        }
        if !isForEverybody, let one = principals.first, try await self.principalType(of: one) == .group {
            throw Problem("InvalidDenyAssignment", shown: "A deny assignment cannot be for a group.")
        }
        let denial = DenyAssignment(
            name: name,
            denyName: properties.member("denyAssignmentName")?.string ?? "",
            description: properties.member("description")?.string ?? "",
            scope: call.scope,
            sparesChildren: properties.member("doNotApplyToChildScopes")?.bool ?? false,
            permissions: permissions,
            principals: isForEverybody ? [] : principals,
            excludedPrincipals: try Self.principals(properties.member("excludePrincipals")),
            isSystemProtected: false
        )
        let created = try await self.access.deny(
            denial,
            by: call.subject,
            correlation: call.correlation,
            source: call.source
        )
        return .put(Self.document(of: denial), created: created)
    }

    func deleteDenial(_ name: String, _ call: AuthorizationCall) async throws(Problem) -> ARMResponse {
        try self.access.require(.delete(DenyAssignment.type), at: call.scope, for: call.subject)
        guard let name = GUID(name), self.access.denial(name)?.scope == call.scope else { return .noContent }
        let gone = try await self.access.removeDenial(
            name,
            by: call.subject,
            correlation: call.correlation,
            source: call.source
        )
        return gone.map { .ok(Self.document(of: $0)) } ?? .noContent
    }

    private static func principals(_ list: JSONValue?) throws(Problem) -> Set<GUID> {
        var found: Set<GUID> = []
        for entry in list?.array ?? [] {
            found.insert(try Self.identifier(entry.member("id")?.string ?? ""))
        }
        return found
    }

    // MARK: What is not offered

    static func isEligibility(_ type: String) -> Bool {
        type.hasPrefix("roleeligibility") || type.hasPrefix("roleassignmentschedule")
            || type.hasPrefix("rolemanagementpolic") || type == "roleassignmentapprovals"
    }

    static let noEligibility = Problem(
        "EligibleAssignmentsNotSupported",
        shown: "Eligible role assignments (Privileged Identity Management) are not offered here: every role assignment "
            + "is active. Assign the role with 'az role assignment create' and delete it when it is not needed any more."
    )

    static let noChangeLog = Problem(
        "ActivityLogNotSupported",
        shown: "The activity log is not offered here. Who gave or took which role is in the audit of the server: "
            + "'sallyport audit' on the server."
    )
}

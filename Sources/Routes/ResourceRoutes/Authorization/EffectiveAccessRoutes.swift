import AccessControl
import Identity
import Vocabulary

extension AuthorizationRoutes {
    /// Why somebody can or cannot sign in to a machine: the path that grants it, or the line that is missing.
    ///
    /// Everybody may ask about themselves; asking about others needs the right to see role assignments. The sign-in
    /// roles decide about entering the machine; reading the machine and what belongs to it decides about reaching it
    /// through a bastion.
    func explainAccess(_ call: AuthorizationCall) async throws(Problem) -> ARMResponse {
        let account = try await self.accountAskedAbout(call)
        let subject = account.subject
        let names = try await self.groupNames(of: subject)
        let asAdministrator = self.access.explain(.login(to: call.scope, asAdmin: true), at: call.scope, for: subject)
        let asUser = self.access.explain(.login(to: call.scope, asAdmin: false), at: call.scope, for: subject)
        var checks = [Self.document(of: asAdministrator, names), Self.document(of: asUser, names)]
        var reads = [call.scope]
        // Whoever may not see the machine is not told what surrounds it.
        if self.mayRead(call.scope, call.subject) {
            reads += self.surroundings.related(call.scope)
        }
        for path in reads {
            guard let type = path.type else { continue }
            checks.append(Self.document(of: self.access.explain(.read(type), at: path, for: subject), names))
        }
        return .ok([
            "principal": [
                "id": .string(subject.id.description),
                "name": .string(subject.name),
                "kind": .string(subject.kind.rawValue),
                "accountEnabled": .bool(account.isEnabled),
            ],
            "resource": .string(call.scope.description),
            "signIn": Self.signIn(account, asAdministrator, asUser),
            "checks": .array(checks),
        ])
    }

    private func accountAskedAbout(_ call: AuthorizationCall) async throws(Problem) -> Account {
        let asked = call.request.options["principal"] ?? ""
        let isSelf =
            asked.isEmpty || GUID(asked) == call.subject.id || asked.lowercased() == call.subject.name.lowercased()
        if !isSelf {
            try self.access.require(.readRoles, at: call.scope, for: call.subject)
        }
        let account = try await Problem.hiding {
            try await self.directory.account(isSelf ? call.subject.id : try await self.identifier(named: asked))
        }
        guard let account else {
            throw Problem(
                "PrincipalNotFound",
                shown: "'\(PrintableText.of(asked))' is no user and no service principal of the directory."
            )
        }
        return account
    }

    private func identifier(named name: String) async throws -> GUID {
        if let user = try await self.directory.user(named: name) { return user.id }
        if let id = GUID(name), try await self.directory.account(id) != nil { return id }
        return try await self.directory.servicePrincipal(named: name)?.id ?? .zero
    }

    private func groupNames(of subject: Subject) async throws(Problem) -> [GUID: String] {
        let groups = try await Problem.hiding { try await self.directory.principals(Array(subject.groups)) }
        return Dictionary(groups.map { ($0.id, $0.displayName) }, uniquingKeysWith: { $1 })
    }

    private func mayRead(_ path: ResourcePath, _ subject: Subject) -> Bool {
        path.type.map { self.access.decide(.read($0), at: path, for: subject).isAllowed } ?? false
    }

    // The same order as at the machine: the account, guests, then roles.
    private static func signIn(_ account: Account, _ asAdministrator: Explanation, _ asUser: Explanation) -> JSONValue {
        let name = account.subject.name
        if !account.isEnabled {
            return ["level": "none", "sentence": .string("The account of \(name) is disabled.")]
        }
        if account.subject.kind == .guest {
            let sentence = "\(name) is a guest. Guests cannot sign in to machines, whatever roles they have."
            return ["level": "none", "sentence": .string(sentence)]
        }
        if asAdministrator.isAllowed {
            return ["level": "administrator", "sentence": .string(asAdministrator.sentence)]
        }
        return ["level": asUser.isAllowed ? "user" : "none", "sentence": .string(asUser.sentence)]
    }

    private static func document(of explanation: Explanation, _ groups: [GUID: String]) -> JSONValue {
        let findings = explanation.findings.map { finding -> JSONValue in
            [
                "assignment": .string(finding.assignment.id),
                "role": .string(finding.roleName),
                "scope": .string(finding.assignment.scope.description),
                "outcome": .string(finding.outcome.rawValue),
                "group": finding.group.map { .string(groups[$0] ?? $0.description) } ?? .null,
            ]
        }
        return [
            "action": .string(explanation.action.name),
            "isDataAction": .bool(explanation.action.isData),
            "resource": .string(explanation.path.description),
            "allowed": .bool(explanation.isAllowed),
            "sentence": .string(explanation.sentence),
            "rolesThatAllow": .texts(explanation.roles),
            "deniedBy": .array(explanation.denials.map { .string($0.denyName) }),
            "findings": .array(findings),
        ]
    }
}

import AccessControl
import Identity
import Vocabulary

extension AuthorizationRoutes {
    /// Why somebody can or cannot sign in to a machine: the path that grants it, or the line that is missing.
    ///
    /// Everybody may ask about themselves; asking about others needs the right to see role assignments. The sign-in
    /// roles decide about entering the machine, and the sentence about it is the one that the machine itself shows;
    /// reading the machine and what belongs to it decides about reaching it through a bastion.
    func explainAccess(_ call: AuthorizationCall) async throws(Problem) -> ARMResponse {
        let account = try await self.accountAskedAbout(call)
        let subject = account.subject
        let asAdministrator = self.access.explain(.login(to: call.scope, asAdmin: true), at: call.scope, for: subject)
        let asUser = self.access.explain(.login(to: call.scope, asAdmin: false), at: call.scope, for: subject)
        var explanations = [asAdministrator, asUser]
        var reads = [call.scope]
        // Whoever may not see the machine is not told what surrounds it.
        let mayRead = self.mayRead(call.scope, call.subject)
        if mayRead {
            reads += self.surroundings.related(call.scope)
        }
        for path in reads {
            guard let type = path.type else { continue }
            explanations.append(self.access.explain(.read(type), at: path, for: subject))
        }
        let groups = try await GroupNames(of: subject, explanations, in: self.directory)
        var document: JSONValue = [
            "principal": [
                "id": .string(subject.id.description),
                "name": .string(subject.name),
                "kind": .string(subject.kind.rawValue),
                "accountEnabled": .bool(account.isEnabled),
            ],
            "resource": .string(call.scope.description),
            "signIn": try await self.signIn(account, call.scope, groups),
            "checks": .array(explanations.map { Self.document(of: $0, groups) }),
        ]
        if mayRead, let found = self.surroundings.connection(subject, call.scope) {
            let sentence =
                found.refusal?.sentence
                ?? "\(subject.name) may connect through the bastion host '\(found.bastion.name)'."
            document["connect"] = [
                "bastion": .string(found.bastion.description), "allowed": .bool(found.refusal == nil),
                "sentence": .string(sentence),
            ]
        }
        return .ok(document)
    }

    // The same function that the machine's question ends in, and the same words.
    private func signIn(
        _ account: Account,
        _ machine: ResourcePath,
        _ groups: GroupNames
    ) async throws(Problem) -> JSONValue {
        let access = self.surroundings.access
        let verdict = try await Problem.hiding {
            try await access?(account.subject.id, machine)
                ?? self.access.access(of: account.subject, isEnabled: account.isEnabled, to: machine)
        }
        switch verdict {
        case .refused(let refusal):
            return ["level": "none", "code": .string(refusal.code), "sentence": .string(refusal.sentence)]
        case .allowed(let allowed):
            let explanation = self.access.explain(allowed.grounds.action, at: machine, for: allowed.subject)
            return [
                "level": allowed.isAdministrator ? "administrator" : "user",
                "sentence": .string(explanation.sentence(naming: groups.chain)),
            ]
        }
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

    private func mayRead(_ path: ResourcePath, _ subject: Subject) -> Bool {
        path.type.map { self.access.decide(.read($0), at: path, for: subject).isAllowed } ?? false
    }

    private static func document(of explanation: Explanation, _ groups: GroupNames) -> JSONValue {
        let findings = explanation.findings.map { finding -> JSONValue in
            [
                "assignment": .string(finding.assignment.id),
                "role": .string(finding.roleName),
                "scope": .string(finding.assignment.scope.description),
                "outcome": .string(finding.outcome.rawValue),
                "group": finding.group.map { .string(groups.name($0)) } ?? .null,
                "groupChain": finding.group.map { .texts(groups.chains[$0] ?? [groups.name($0)]) } ?? .null,
            ]
        }
        return [
            "action": .string(explanation.action.name),
            "isDataAction": .bool(explanation.action.isData),
            "resource": .string(explanation.path.description),
            "allowed": .bool(explanation.isAllowed),
            "sentence": .string(explanation.sentence(naming: groups.chain)),
            "rolesThatAllow": .texts(explanation.roles),
            "deniedBy": .array(explanation.denials.map { .string($0.denyName) }),
            "findings": .array(findings),
        ]
    }
}

/// The names of somebody's groups, and for groups that give something the way there: `ops > staff`.
private struct GroupNames {
    private var names: [GUID: String] = [:]
    /// Names from the group that somebody is in directly up to the one that has the role.
    private(set) var chains: [GUID: [String]] = [:]

    init(of subject: Subject, _ explanations: [Explanation], in directory: Directory) async throws(Problem) {
        let groups = try await Problem.hiding { try await directory.principals(Array(subject.groups)) }
        self.names = Dictionary(groups.map { ($0.id, $0.displayName) }, uniquingKeysWith: { $1 })
        var wanted = Set(explanations.compactMap { $0.grounds?.group })
        // Breadth first, so that the shortest way is found; each group is visited once.
        var waiting: [(id: GUID, chain: [String])] = [(subject.id, [])]
        var seen: Set<GUID> = []
        var place = 0
        while place < waiting.count, !wanted.isEmpty {
            let (id, chain) = waiting[place]
            place += 1
            let above = try await Problem.hiding { try await directory.directGroups(of: id) }
            for group in above where seen.insert(group.id).inserted {
                let longer = chain + [group.displayName]
                if wanted.remove(group.id) != nil { self.chains[group.id] = longer }
                waiting.append((group.id, longer))
            }
        }
    }

    func name(_ group: GUID) -> String { self.names[group] ?? group.description }

    func chain(_ group: GUID) -> String { self.chains[group]?.joined(separator: " > ") ?? self.name(group) }
}

import AccessControl
import AgentWire
import Identity
import Vocabulary

/// Decides who may be on a machine. The one place: for somebody who comes in, for who is listed, and for who is in already.
struct EntryJudge: Sendable {
    let directory: Directory
    let accessControl: AccessControl
    let registry: HostRegistry

    /// Whether somebody may be on a machine now. From memory, unless the directory has to be asked for the first time.
    func judge(_ objectID: GUID, on path: ResourcePath) async throws -> Verdict<MachineAccess> {
        guard let machine = self.registry.machines.machine(path) else { return .refused(.machineGone(path)) }
        guard self.registry.isSignInWanted(on: path) else { return .refused(.signInOff(path)) }
        guard let identity = machine.identity, try await self.directory.isEnabled(identity) else {
            return .refused(.identityMissing(path))
        }
        guard let account = try await self.directory.account(objectID) else { return .refused(.accountUnknown) }
        return self.accessControl.access(of: account.subject, isEnabled: account.isEnabled, to: machine.path)
    }

    /// The user or service principal with that name as an account: a user principal name, an application id, or an object id.
    func principal(named typed: String) async throws -> Principal? {
        guard AccountName.isOurs(typed) else { return nil }
        guard let id = GUID(typed) else {
            return try await self.directory.user(named: AccountName.normalised(typed)).map { .user($0) }
        }
        if let principal = try await self.directory.servicePrincipal(appID: id) { return .servicePrincipal(principal) }
        return try await self.directory.principal(id)
    }

    /// The account of somebody on a machine; nil for groups, and for who has no name that a host can use.
    func account(of principal: Principal, isAdministrator: Bool) -> HostAccount? {
        switch principal {
        case .group: nil
        case .user(let user):
            Self.account(
                user.id,
                AccountName.normalised(user.userPrincipalName),
                user.unixID,
                user.displayName,
                isAdministrator,
                aliases: user.formerNames.map { AccountName.normalised($0) } + [user.id.description]
            )
        case .servicePrincipal(let principal):
            Self.account(
                principal.id,
                principal.appID.description,
                principal.unixID,
                principal.displayName,
                isAdministrator,
                aliases: [principal.id.description]
            )
        }
    }

    private static func account(
        _ id: GUID,
        _ name: String,
        _ number: Int64,
        _ displayName: String,
        _ isAdministrator: Bool,
        aliases: [String]
    ) -> HostAccount? {
        guard AccountName.isAcceptable(name) || GUID(name) != nil, let uid = UInt32(exactly: number),
            AccountNumbers.people.contains(uid)
        else { return nil }
        return HostAccount(
            objectId: id,
            name: name,
            uid: uid,
            displayName: PrintableText.of(displayName),
            administrator: isAdministrator,
            aliases: aliases
        )
    }

    /// Everybody who may log in to a machine now, in the order of their numbers, at most `limit`.
    func accounts(on path: ResourcePath, limit: Int) async throws -> [HostAccount] {
        let holders = self.accessControl.principals(allowed: .login(to: path, asAdmin: false), at: path)
            .union(self.accessControl.principals(allowed: .login(to: path, asAdmin: true), at: path))
        var candidates: [GUID: Principal] = [:]
        var groups = Set<GUID>()
        for principal in try await self.directory.principals(holders.sorted()) {
            if case .group(let group) = principal {
                groups.insert(group.id)
            } else {
                candidates[principal.id] = principal
            }
        }
        // Groups are walked by their members, so that service principals in them count too.
        var waiting = Array(groups)
        while let group = waiting.popLast() {
            for member in try await self.directory.members(of: group) {
                if case .group(let inner) = member {
                    if groups.insert(inner.id).inserted { waiting.append(inner.id) }
                } else {
                    candidates[member.id] = member
                }
            }
        }
        var accounts: [HostAccount] = []
        for principal in candidates.values {
            guard case .allowed(let standing) = try await self.judge(principal.id, on: path),
                let account = self.account(of: principal, isAdministrator: standing.isAdministrator)
            else { continue }
            accounts.append(account)
        }
        return Array(accounts.sorted { $0.uid < $1.uid }.prefix(limit))
    }
}

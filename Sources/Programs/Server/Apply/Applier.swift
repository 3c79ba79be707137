import AccessControl
import Identity
import Resources
import SwiftASN1
import Vocabulary

/// Carries out an apply file: brings the directory, the resources and the roles to what it says, in the order they need each other.
///
/// Doing it again changes nothing. Nothing is removed but what the file marks with `removed: true`.
struct Applier: Sendable {
    let directory: Directory
    let accessControl: AccessControl
    let resources: Resources
    let networks: WiredNetworks
    let random: RandomSource
    let dryRun: Bool
    /// The secrets that the file refers to, by `SecretSource.key`.
    let secrets: [String: String]

    /// One line for each change.
    func apply(_ file: ApplyFile) async throws -> [String] {
        var lines: [String] = []
        if let tenant = file.tenant {
            guard tenant.id == nil || tenant.id == self.directory.tenant.id else {
                throw Problem(
                    "ApplyFile",
                    shown:
                        "The file is for the tenant \(tenant.id?.description ?? ""), this server serves \(self.directory.tenant.id)."
                )
            }
        }
        for entry in file.users { lines += try await self.user(entry) }
        for entry in file.applications { lines += try await self.application(entry) }
        for entry in file.servicePrincipals { lines += try await self.servicePrincipal(entry) }
        lines += try await self.groups(file.groups)
        let planner = ResourcePlanner(
            resources: self.resources,
            subscriptions: self.subscriptions(with: file),
            file: file
        )
        lines += try await self.carryOut(try planner.plan())
        return lines + (try await self.roleAssignments(file.roleAssignments, planner))
    }

    // Those that are there, by the names the file gives them, and those that the file makes.
    private func subscriptions(with file: ApplyFile) -> [ResourcePlanner.Subscription] {
        var all = self.resources.list(type: "Microsoft.Resources/subscriptions", below: .root).map { resource in
            ResourcePlanner.Subscription(
                path: resource.path,
                displayName: resource.properties["displayName"]?.string ?? resource.name
            )
        }
        for entry in file.subscriptions {
            let known = all.firstIndex { subscription in
                entry.id.map { subscription.path.subscription == $0 }
                    ?? (subscription.displayName.lowercased() == entry.displayName.lowercased())
            }
            let id = known.flatMap { all[$0].path.subscription } ?? entry.id ?? GUID(from: self.random)
            guard let path = ResourcePath("/subscriptions/\(id)") else { continue }
            if let known { all.remove(at: known) }
            all.append(ResourcePlanner.Subscription(path: path, displayName: entry.displayName))
        }
        return all
    }

    private func user(_ entry: ApplyFile.UserEntry) async throws -> [String] {
        let name = self.fullName(entry.name)
        if entry.removed {
            guard let user = try await self.directory.user(named: name) else { return [] }
            _ = try await self.directory.delete(user.id, dryRun: self.dryRun)
            return ["removed user \(name)"]
        }
        let outcome = try await self.directory.put(
            user: UserDraft(
                id: entry.id,
                userPrincipalName: name,
                displayName: entry.displayName,
                mail: entry.mail,
                accountEnabled: entry.enabled,
                isGuest: entry.guest ? true : nil,
                mustChangePassword: entry.temporaryPassword
            ),
            password: try entry.password.map { Secret(Array(try self.secret($0).utf8)) },
            dryRun: self.dryRun
        )
        var lines = Self.line(outcome.isNew, outcome.changed, "user \(name)")
        var roles: Set<DirectoryRole> = []
        for role in entry.directoryRoles {
            guard let known = DirectoryRole(named: role) else {
                throw Problem("ApplyFile", shown: "There is no directory role '\(PrintableText.of(role))'.")
            }
            roles.insert(known)
        }
        if !(self.dryRun && outcome.isNew),
            try await self.directory.setDirectoryRoles(of: outcome.value.id, to: roles, dryRun: self.dryRun)
        {
            lines.append("changed directory roles of \(name)")
        }
        return lines
    }

    private func application(_ entry: ApplyFile.ApplicationEntry) async throws -> [String] {
        let outcome = try await self.directory.put(
            application: ClientApplication(
                appID: entry.appID,
                displayName: entry.name,
                redirectURIs: entry.redirectURIs,
                isPublic: entry.isPublic
            ),
            dryRun: self.dryRun
        )
        try await self.register(entry.appID, as: entry.name)
        return Self.line(outcome.isNew, outcome.changed, "application \(entry.name)")
    }

    // What `az ad app` shows and changes; a part of the entry, so it has no line of its own.
    private func register(_ appID: GUID, as name: String) async throws {
        guard !self.dryRun else { return }
        try await self.directory.put(registration: AppRegistrationDraft(appID: appID, displayName: name))
    }

    private func servicePrincipal(_ entry: ApplyFile.ServicePrincipalEntry) async throws -> [String] {
        if entry.removed {
            guard let known = try await self.directory.servicePrincipal(appID: entry.appID) else { return [] }
            if !self.dryRun, try await self.directory.application(entry.appID) == nil,
                let registration = try await self.directory.registration(appID: entry.appID)
            {
                _ = try await self.directory.deleteRegistration(registration.id)
            } else {
                _ = try await self.directory.delete(known.id, dryRun: self.dryRun)
            }
            return ["removed service principal \(entry.name)"]
        }
        let certificate = try entry.certificate.map { source -> [UInt8] in
            try Self.certificate(in: try self.secret(source), of: entry.name)
        }
        let outcome = try await self.directory.put(
            servicePrincipal: ServicePrincipalDraft(
                id: entry.id,
                appID: entry.appID,
                displayName: entry.name,
                accountEnabled: entry.enabled
            ),
            secret: try entry.secret.map { Secret(Array(try self.secret($0).utf8)) },
            certificate: certificate,
            dryRun: self.dryRun
        )
        // Where the program also stands among the applications, it is named there.
        if try await self.directory.application(entry.appID) == nil {
            try await self.register(entry.appID, as: entry.name)
        }
        return Self.line(outcome.isNew, outcome.changed, "service principal \(entry.name)")
    }

    // Groups first, then who is in them: a group may be a member of one that stands before it.
    private func groups(_ entries: [ApplyFile.GroupEntry]) async throws -> [String] {
        var lines: [String] = []
        var ids: [String: GUID] = [:]
        for entry in entries {
            let known = try await self.directory.groups(named: entry.name).first
            if entry.removed {
                guard let known else { continue }
                _ = try await self.directory.delete(known.id, dryRun: self.dryRun)
                lines.append("removed group \(entry.name)")
                continue
            }
            let outcome = try await self.directory.put(
                group: GroupDraft(id: entry.id ?? known?.id, displayName: entry.name),
                dryRun: self.dryRun
            )
            ids[entry.name] = outcome.value.id
            lines += Self.line(outcome.isNew, outcome.changed, "group \(entry.name)")
        }
        if self.dryRun { return lines }
        for entry in entries where !entry.removed {
            guard let group = ids[entry.name] else { continue }
            var members: Set<GUID> = []
            for member in entry.members { members.insert(try await self.principal(named: member).id) }
            if try await self.directory.setMembers(of: group, to: members).isChange {
                lines.append("changed members of group \(entry.name)")
            }
        }
        return lines
    }

    // All resources in one step: either the whole file fits together, or nothing of it is kept.
    private func carryOut(_ steps: [ResourcePlanner.Step]) async throws -> [String] {
        var wishes: [(wish: ResourceWish, what: String)] = []
        var lines: [String] = []
        for case .put(let path, let body, let what) in steps {
            wishes.append((ResourceWish(path, body), what))
        }
        let outcomes = try await self.resources.putAll(wishes.map(\.wish), by: .system, dryRun: self.dryRun)
        for (outcome, wish) in zip(outcomes, wishes) {
            if outcome.created {
                lines.append("created \(wish.what)")
            } else if outcome.changed {
                lines.append("changed \(wish.what)")
            }
        }
        for step in steps {
            switch step {
            case .put(let path, _, _):
                guard path.isOf(type: "Microsoft.Network/virtualNetworks"), !self.networks.contains(path) else {
                    continue
                }
                if !self.dryRun { _ = try await self.networks.declare(path) }
                lines.append("declared that the server reaches \(path.name)")
            case .delete(let path, let what):
                guard self.resources.resource(path) != nil else { continue }
                if !self.dryRun { _ = try await self.resources.delete(path, by: .system) }
                lines.append("removed \(what)")
            }
        }
        return lines
    }

    // How many roles are given in one transaction.
    private static let batch = 1000

    // Those that come one after the other are given together: one by one, each would be written to the disk by itself.
    private func roleAssignments(_ entries: [ApplyFile.RoleAssignmentEntry], _ planner: ResourcePlanner) async throws
        -> [String]
    {
        var lines: [String] = []
        var waiting = Waiting()
        var people: [String: (id: GUID, type: PrincipalType)] = [:]
        for entry in entries {
            if self.dryRun, (try? await self.principal(named: entry.principal)) == nil {
                lines.append("would assign \(entry.role)")
                continue
            }
            var person = people[entry.principal]
            if person == nil { person = try await self.principal(named: entry.principal) }
            guard let principal = person else { continue }
            people[entry.principal] = principal
            guard
                let role = GUID(entry.role).flatMap(self.accessControl.definition)
                    ?? self.accessControl.definition(named: entry.role)
            else {
                throw Problem("ApplyFile", shown: "There is no role '\(PrintableText.of(entry.role))'.")
            }
            let draft = RoleAssignmentDraft(
                name: GUID(from: self.random),
                scope: try planner.scope(entry.scope),
                roleDefinition: role.name,
                principal: principal.id,
                principalType: principal.type
            )
            // A removal must see what stands before it in the file.
            if entry.removed { try await self.give(&waiting) }
            let known = self.accessControl.assignments(
                at: draft.scope,
                RoleAssignmentFilter(reach: .exactly, principals: [principal.id], roleDefinition: role.name)
            ).first
            let what = "\(role.roleName) for \(entry.principal) at \(draft.scope)"
            if let known, entry.removed {
                if !self.dryRun { try await self.accessControl.remove(known.name, at: known.scope, by: nil) }
                lines.append("removed \(what)")
            } else if known == nil, !entry.removed, waiting.add(draft) {
                lines.append("assigned \(what)")
            }
            if waiting.drafts.count >= Self.batch { try await self.give(&waiting) }
        }
        try await self.give(&waiting)
        return lines
    }

    private func give(_ waiting: inout Waiting) async throws {
        let drafts = waiting.drafts
        waiting = Waiting()
        if !self.dryRun, !drafts.isEmpty { try await self.accessControl.assign(all: drafts) }
    }

    /// Roles that are to be given together, each once.
    private struct Waiting {
        private(set) var drafts: [RoleAssignmentDraft] = []
        private var seen: Set<[String]> = []

        mutating func add(_ draft: RoleAssignmentDraft) -> Bool {
            let key = [draft.scope.key, draft.roleDefinition.description, draft.principal.description]
            guard self.seen.insert(key).inserted else { return false }
            self.drafts.append(draft)
            return true
        }
    }

    // A name may say what it names ("group:operators") when two things have the same one.
    private func principal(named text: String) async throws -> (id: GUID, type: PrincipalType) {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        let kinds = ["user", "group", "servicePrincipal"]
        let (kind, name) = parts.count == 2 && kinds.contains(parts[0]) ? (parts[0], parts[1]) : ("", text)
        if kind.isEmpty || kind == "user", let user = try await self.directory.user(named: self.fullName(name)) {
            return (user.id, .user)
        }
        if kind.isEmpty || kind == "servicePrincipal",
            let found = try await self.directory.servicePrincipal(named: name)
        {
            return (found.id, .servicePrincipal)
        }
        if kind.isEmpty || kind == "group", let group = try await self.directory.groups(named: name).first {
            return (group.id, .group)
        }
        throw Problem(
            "ApplyFile",
            shown: "Nobody is named '\(PrintableText.of(text))': no user, service principal or group."
        )
    }

    private func fullName(_ name: String) -> String {
        name.contains("@") ? name : "\(name)@\(self.directory.tenant.defaultDomain)"
    }

    private func secret(_ source: SecretSource) throws(Problem) -> String {
        guard let text = self.secrets[source.key] else {
            throw Problem("ApplyFile", shown: "The secret \(source.key) was not given.")
        }
        return text
    }

    private static func certificate(in pem: String, of name: String) throws(Problem) -> [UInt8] {
        // A key may stand beside it, as tools write them.
        guard let documents = try? PEMDocument.parseMultiple(pemString: pem),
            let certificate = documents.first(where: { $0.discriminator == "CERTIFICATE" })
        else { throw Problem("ApplyFile", shown: "The certificate of \(name) is not PEM.") }
        return certificate.derBytes
    }

    private static func line(_ isNew: Bool, _ changed: [String], _ what: String) -> [String] {
        if isNew { return ["created \(what)"] }
        return changed.isEmpty ? [] : ["changed \(what): \(changed.joined(separator: ", "))"]
    }
}

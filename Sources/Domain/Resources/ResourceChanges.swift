import AccessControl
import Audit
public import Vocabulary

/// One resource that shall be as its body says.
public struct ResourceWish: Sendable {
    /// Where.
    public let path: ResourcePath
    /// What a PUT would carry.
    public let body: JSONValue

    /// Names place and body.
    public init(_ path: ResourcePath, _ body: JSONValue) {
        self.path = path
        self.body = body
    }
}

/// What a PUT or PATCH did.
public struct PutOutcome: Sendable {
    /// The resource as it is now.
    public let resource: Resource
    /// Whether it is new.
    public let created: Bool
    /// Whether anything changed.
    public let changed: Bool
    /// What still goes on; the resource is not ready before it ends.
    public let operation: ResourceOperation?
}

/// What a DELETE did.
public enum DeleteOutcome: Sendable {
    /// There was nothing.
    case absent
    /// It is gone.
    case done
    /// It goes when this ends.
    case started(ResourceOperation)
}

extension Resources {
    /// Makes or replaces a resource, as a PUT does.
    @discardableResult
    public func put(
        _ path: ResourcePath,
        body: JSONValue,
        by author: ChangeAuthor,
        preconditions: Preconditions = Preconditions()
    ) async throws(Problem) -> PutOutcome {
        if self.catalogue.kind(at: path)?.takesTime == true { try self.operations.checkRoom() }
        let old = self.resource(path)
        let made = try await self.perform(by: author, "resource.write", path) { plan throws(Problem) in
            try plan.put(path, body: body, preconditions: preconditions)
        }
        return try await self.outcome(made.resource, created: made.created, old: old, body: body, by: author)
    }

    /// Makes or replaces several resources at once: all of them, or none when one is refused.
    ///
    /// The problem's `logged` text begins with the path of the one that was refused. With `dryRun` nothing is stored.
    @discardableResult
    public func putAll(_ wishes: [ResourceWish], by author: ChangeAuthor, dryRun: Bool = false)
        async throws(Problem) -> [PutOutcome]
    {
        let before = self.current
        let target = wishes.first?.path ?? .root
        let made = try await self.perform(by: author, "resource.write", target, dryRun: dryRun) {
            plan throws(Problem) in
            var made: [(resource: Resource, created: Bool)] = []
            for wish in wishes {
                do throws(Problem) {
                    made.append(try plan.put(wish.path, body: wish.body))
                } catch {
                    throw Problem(error.code, shown: error.shown, logged: "\(wish.path) \(error.logged)")
                }
            }
            return made
        }
        var outcomes: [PutOutcome] = []
        for (one, wish) in zip(made, wishes) {
            let old = before[one.resource.path]
            guard !dryRun else {
                let changed = old?.says(theSameAs: one.resource) != true
                outcomes.append(
                    PutOutcome(resource: one.resource, created: one.created, changed: changed, operation: nil)
                )
                continue
            }
            outcomes.append(
                try await self.outcome(one.resource, created: one.created, old: old, body: wish.body, by: author)
            )
        }
        return outcomes
    }

    /// Changes members of a resource, as a PATCH does.
    @discardableResult
    public func patch(
        _ path: ResourcePath,
        body: JSONValue,
        by author: ChangeAuthor,
        preconditions: Preconditions = Preconditions()
    ) async throws(Problem) -> PutOutcome {
        let old = self.resource(path)
        let made = try await self.perform(by: author, "resource.write", path) { plan throws(Problem) in
            try plan.patch(path, body: body, preconditions: preconditions)
        }
        return try await self.outcome(made, created: false, old: old, body: body, by: author)
    }

    /// Removes a resource and everything below it, as a DELETE does.
    ///
    /// What has to be undone on a machine goes on in an operation, unless the system itself asks: then it is done on return.
    @discardableResult
    public func delete(
        _ path: ResourcePath,
        by author: ChangeAuthor,
        preconditions: Preconditions = Preconditions()
    ) async throws(Problem) -> DeleteOutcome {
        enum Step: Sendable {
            case absent
            case done
            case later(Resource)
        }
        try self.operations.checkRoom()
        let step = try await self.perform(by: author, "resource.delete", path) { plan throws(Problem) in
            let untouched = plan
            guard try plan.remove(path, preconditions: preconditions) else { return Step.absent }
            guard var resource = untouched[path] else { return Step.absent }
            if resource.provisioningState == "Deleting" { throw Problem.busy(resource) }
            guard untouched.everything(at: path).contains(where: { self.takesTime(toRemove: $0) }) else {
                return Step.done
            }
            // Judged, but not done yet: only the mark is stored now.
            plan = untouched
            resource.provisioningState = "Deleting"
            plan.store(resource, as: "resource.deleteBegin")
            return Step.later(resource)
        }
        switch step {
        case .absent: return .absent
        case .done: return .done
        case .later(let resource):
            guard !author.isSystem else {
                if let problem = await self.finishRemoval(of: resource.path, by: author) { throw problem }
                return .done
            }
            let work: @Sendable () async -> Problem? = { await self.finishRemoval(of: resource.path, by: author) }
            return .started(self.begin(.delete, on: resource, by: author, work: work))
        }
    }

    /// Waits until an operation has ended; returns what went wrong, nil when nothing did.
    public func outcome(of operation: ResourceOperation) async -> Problem? {
        await self.operations.end(of: operation.id)
    }

    /// Waits until no operation runs.
    public func settle() async {
        await self.operations.settle()
    }

    /// Stops operations; for the end of the program.
    public func close() async {
        await self.operations.close()
    }

    // MARK: Carrying out

    /// Plans a change in its turn, carries out what it needs from outside, stores it, and tells everyone.
    func perform<Result: Sendable>(
        by author: ChangeAuthor,
        _ action: String,
        _ target: ResourcePath,
        dryRun: Bool = false,
        _ change: @Sendable (inout Plan) throws(Problem) -> Result
    ) async throws(Problem) -> Result {
        let (result, touched) = try await self.turns.run { () async throws(Problem) in
            var plan = Plan(
                base: self.current,
                author: author,
                accessControl: self.accessControl,
                catalogue: self.catalogue,
                settings: self.settings,
                fabric: self.hooks.fabric,
                random: self.random,
                now: self.clock.now
            )
            let result: Result
            do throws(Problem) {
                result = try change(&plan)
            } catch {
                await self.note(error, action, target, author)
                throw error
            }
            if dryRun || plan.isEmpty { return (result, [Resource]()) }
            do {
                try await self.removeAssignments(of: plan)
                try await self.settleIdentities(of: &plan)
                try await self.store(plan)
            } catch let problem as Problem {
                throw problem
            } catch {
                throw Problem("InternalServerError", shown: "The change could not be stored.", logged: "\(error)")
            }
            return (result, plan.written + Array(plan.removed.values))
        }
        // After its turn, so that a machine that is slow to follow holds up nobody else.
        await self.follow(touched)
        return result
    }

    /// Roles on a resource go with it: another one of the same name must not inherit them. Before the store, so that a failure leaves
    /// a resource without roles, never roles without a resource.
    private func removeAssignments(of plan: Plan) async throws {
        let exactly = RoleAssignmentFilter(reach: .exactly)
        let gone = plan.removed.values.sorted { $0.path.key < $1.path.key }
        for assignment in gone.flatMap({ self.accessControl.assignments(at: $0.path, exactly) }) {
            try await self.accessControl.remove(
                assignment.name,
                at: assignment.scope,
                by: nil,
                correlation: plan.author.correlation,
                source: plan.author.source
            )
        }
    }

    private func settleIdentities(of plan: inout Plan) async throws {
        let hooks = self.hooks
        for (key, change) in plan.identities.sorted(by: { $0.key < $1.key }) {
            guard let path = ResourcePath(key) else { continue }
            switch change {
            case .assign:
                let made = try await hooks.assignIdentity(plan[path]?.path ?? path)
                let client = await hooks.clientID(made.principalID)
                plan.setIdentity(path, principal: made.principalID, tenant: made.tenantID, client: client)
            case .remove:
                // Before the store: when this fails the machine keeps a name without an identity, never an identity without a name.
                try await hooks.removeIdentity(path)
            }
        }
    }

    private func outcome(
        _ resource: Resource,
        created: Bool,
        old: Resource?,
        body: JSONValue,
        by author: ChangeAuthor
    ) async throws(Problem) -> PutOutcome {
        let now = self.resource(resource.path) ?? resource
        if now.making?.isMade == false || self.catalogue.kind(at: now.path)?.makesMachines == true {
            let secrets = MachineSecrets(body: body)
            if !secrets.isEmpty { self.machineSecrets.keep(secrets, for: now.path) }
        }
        if now.isExtension, now.handler == .accessForLinux {
            self.accessChanges.keep(try AccessChange(body: body), for: now.path)
        }
        if now.isManagedRunCommand, now.isBusy {
            let command = try RunCommand(managed: now.properties, protected: body.member("properties"))
            self.pendingCommands.keep(AskedCommand(command: command, author: author), for: now.path)
        }
        return PutOutcome(
            resource: now,
            created: created,
            changed: old?.etag != now.etag,
            operation: self.beginInstallation(of: now, old: old, by: author)
        )
    }

    /// Refusals are worth a line in the audit; other wrong requests are not.
    private func note(_ problem: Problem, _ action: String, _ target: ResourcePath, _ author: ChangeAuthor) async {
        guard ["AuthorizationFailed", "LinkedAuthorizationFailed", "SubscriptionNotFound"].contains(problem.code) else {
            return
        }
        var event = author.event(Plan.AuditLine(action: action, target: target, details: [:]), at: self.clock.now)
        event.outcome = .refused
        event.reason = PrintableText.of(problem.shown, limit: 1024)
        // The refusal stands whether or not it could be written down.
        try? await self.audit.record(event)
    }
}

extension ChangeAuthor {
    /// A line of the audit with this author's name on it.
    func event(_ line: Plan.AuditLine, at instant: Instant) -> AuditEvent {
        AuditEvent(
            at: instant,
            actor: self.subject?.id,
            actorName: self.name,
            action: line.action,
            target: line.target.description,
            outcome: .success,
            correlation: self.correlation,
            source: self.source,
            details: line.details
        )
    }
}

public import AccessControl
public import Audit
public import Resources
public import Storage
import Synchronization
import TemplateLanguage
public import Vocabulary

/// Templates deployed as whoever asks: judged as a whole before anything is made, then made in the order of what depends on what.
///
/// Rights and audit are those of the caller, resource by resource, as they are when its turn comes. Source: Azure Resources REST,
/// "Deployments".
public final class Deployments: Sendable {
    /// What runs now.
    struct Active: Sendable {
        var deployment: Deployment
        var operations: [DeploymentOperation] = []
        var isCancelled = false
        var task: Task<Void, Never>?
    }

    /// What a look into the future found.
    struct Foresight: Sendable {
        let owner: GUID?
        let document: JSONValue
    }

    private struct State {
        var active: [String: Active] = [:]
        var foresights: [GUID: Foresight] = [:]
        var order: [GUID] = []
        var isClosed = false
    }

    /// How many deployments run at once, nested ones not counted.
    static let mostActive = 64
    private static let mostForesights = 64

    let resources: Resources
    let accessControl: AccessControl
    let database: any Database
    let audit: AuditLog
    let clock: TimeSource
    let random: RandomSource
    let hooks: DeploymentHooks
    private let state = Mutex(State())

    /// Makes the service; call `load()` before use.
    public init(
        resources: Resources,
        accessControl: AccessControl,
        database: any Database,
        audit: AuditLog,
        clock: TimeSource,
        random: RandomSource,
        hooks: DeploymentHooks
    ) {
        self.resources = resources
        self.accessControl = accessControl
        self.database = database
        self.audit = audit
        self.clock = clock
        self.random = random
        self.hooks = hooks
    }

    // MARK: Asking for something

    /// Begins a deployment; returns it as accepted, and whether its name is new.
    ///
    /// Throws what is wrong with it before anything is made: InvalidTemplate, InvalidTemplateDeployment,
    /// DeploymentActiveAndUneditable and their like.
    public func start(_ path: ResourcePath, body: JSONValue, by author: ChangeAuthor) async throws(Problem)
        -> (Deployment, created: Bool)
    {
        let scope = try self.place(of: path)
        try self.permit(.write(Deployment.type), at: path, author)
        try self.resources.checkDeployable(scope)
        if author.subject != nil { try self.resources.checkLocks(.write, at: path) }
        let request = try DeploymentRequest(reading: body, above: scope.resourceGroup == nil)
        if let active = self.active(path) { throw .deploymentIsActive(path, active.deployment) }
        let prepared: Prepared
        do throws(Problem) {
            prepared = try await self.prepare(path, request, by: author)
        } catch {
            guard error.code == Problem.invalidDeploymentCode, Self.isOfCommand(path.name) else { throw error }
            return try await self.fail(path, request, error, by: author)
        }
        let known = try await self.find(path)
        var deployment = self.describe(path, prepared, request, by: author)
        deployment.tags = request.tags
        try self.enter(deployment)
        do {
            try await self.keep(deployment, isNew: true)
            try await self.audit.record(self.event("deployment.write", deployment, author))
        } catch {
            self.leave(path)
            throw .storeFailed(error)
        }
        let accepted = deployment
        let task = Task {
            await self.carryOut(prepared.run, accepted, by: author)
        }
        self.state.withLock { $0.active[path.key]?.task = task }
        return (accepted, known == nil)
    }

    /// Says whether a template could be deployed; the body of the answer. Throws what is wrong, as `start` does.
    public func validate(_ path: ResourcePath, body: JSONValue, by author: ChangeAuthor) async throws(Problem)
        -> JSONValue
    {
        let scope = try self.place(of: path)
        try self.permit(.post("validate", of: Deployment.type), at: path, author)
        try self.resources.checkDeployable(scope)
        let request = try DeploymentRequest(reading: body, above: scope.resourceGroup == nil)
        let prepared = try await self.prepare(path, request, by: author)
        var deployment = self.describe(path, prepared, request, by: author)
        deployment.state = .succeeded
        var document = deployment.document
        document["properties"]?["outputs"] = nil
        document["properties"]?["outputResources"] = nil
        document["properties"]?["validatedResources"] = .array(
            prepared.wanted.map { ["id": .string($0.path.description)] as JSONValue }
        )
        document["properties"]?["validationLevel"] = "Provider"
        return document
    }

    /// Works out what a deployment would change. Returns the identifier under which `foresight` tells it.
    public func foresee(_ path: ResourcePath, body: JSONValue, by author: ChangeAuthor) async throws(Problem) -> GUID {
        let scope = try self.place(of: path)
        try self.permit(.post("whatIf", of: Deployment.type), at: path, author)
        try self.resources.checkDeployable(scope)
        let request = try DeploymentRequest(reading: body, above: scope.resourceGroup == nil)
        let prepared = try await self.prepare(path, request, by: author)
        let changes = try await self.changes(of: prepared, request, in: scope, by: author)
        let id = GUID(from: self.random)
        let document: JSONValue = [
            "status": "Succeeded",
            "properties": ["correlationId": .string(author.correlation), "changes": .array(changes)],
        ]
        self.state.withLock { state in
            state.foresights[id] = Foresight(
                owner: author.subject?.id,
                document: Redaction(prepared.run.secrets)(document)
            )
            state.order.append(id)
            if state.order.count > Self.mostForesights { state.foresights[state.order.removeFirst()] = nil }
        }
        return id
    }

    /// What `foresee` found, for whoever asked for it.
    public func foresight(_ id: GUID, for subject: Subject) throws(Problem) -> JSONValue {
        guard let found = self.state.withLock({ $0.foresights[id] }), found.owner == subject.id else {
            throw Problem("OperationNotFound", shown: "The operation '\(id)' could not be found.")
        }
        return found.document
    }

    // MARK: Ending

    /// Forgets a deployment that is over; what it made stays. Returns whether there was one.
    public func delete(_ path: ResourcePath, by author: ChangeAuthor) async throws(Problem) -> Bool {
        _ = try self.place(of: path)
        try self.permit(.delete(Deployment.type), at: path, author)
        if let active = self.active(path) { throw .deploymentIsActive(path, active.deployment) }
        guard let known = try await self.find(path) else { return false }
        if author.subject != nil { try self.resources.checkLocks(.delete, at: path) }
        do {
            try await self.forget(path)
            try await self.audit.record(self.event("deployment.delete", known, author))
        } catch {
            throw .storeFailed(error)
        }
        return true
    }

    /// Begins nothing more of a deployment that runs. What was begun comes to its end.
    public func cancel(_ path: ResourcePath, by author: ChangeAuthor) async throws(Problem) {
        _ = try self.place(of: path)
        try self.permit(.post("cancel", of: Deployment.type), at: path, author)
        let isActive = self.state.withLock { state in
            guard state.active[path.key] != nil else { return false }
            state.active[path.key]?.isCancelled = true
            return true
        }
        guard isActive else {
            let known = try await self.existing(path)
            throw Problem(
                "DeploymentCannotBeCancelled",
                shown: "The deployment '\(path.name)' cannot be canceled: it is \(known.state.rawValue.lowercased())."
            )
        }
        // Cancelling is done and stands whether or not it could be written down.
        if let deployment = self.active(path)?.deployment {
            try? await self.audit.record(self.event("deployment.cancel", deployment, author))
        }
    }

    /// Waits until nothing runs.
    public func settle() async {
        while let task = self.state.withLock({ state in state.active.values.lazy.compactMap(\.task).first }) {
            await task.value
            // The task takes itself out before it ends, unless it had ended before it was put in.
            self.state.withLock { state in
                for (key, one) in state.active where one.task == task && one.deployment.state.isOver {
                    state.active[key] = nil
                }
            }
        }
    }

    /// Lets nothing begin any more and waits for what was begun; for the end of the program.
    public func close() async {
        self.state.withLock { state in
            state.isClosed = true
            for key in state.active.keys { state.active[key]?.isCancelled = true }
        }
        await self.settle()
    }

    // MARK: What runs

    func active(_ path: ResourcePath) -> Active? {
        self.state.withLock { $0.active[path.key] }
    }

    func isCancelled(_ path: ResourcePath) -> Bool {
        self.active(path)?.isCancelled ?? true
    }

    /// Changes what is known of a deployment that runs; nothing happens when it does not.
    func change(_ path: ResourcePath, _ body: (inout Active) -> Void) {
        self.state.withLock { state in
            guard var active = state.active[path.key] else { return }
            body(&active)
            state.active[path.key] = active
        }
    }

    /// Puts a deployment among those that run. Throws when it runs already, or too many do.
    func enter(_ deployment: Deployment, isNested: Bool = false) throws(Problem) {
        let other = self.state.withLock { state -> Active? in
            if let other = state.active[deployment.path.key] { return other }
            guard !state.isClosed, isNested || state.active.count < Self.mostActive else { return nil }
            state.active[deployment.path.key] = Active(deployment: deployment)
            return Active(deployment: deployment)
        }
        guard let other else {
            throw Problem("TooManyRequests", shown: "Too many deployments are running. Try again in a moment.")
        }
        guard other.deployment.run == deployment.run else {
            throw .deploymentIsActive(deployment.path, other.deployment)
        }
    }

    func leave(_ path: ResourcePath) {
        self.state.withLock { $0.active[path.key] = nil }
    }

    // MARK: Small things

    func find(_ path: ResourcePath) async throws(Problem) -> Deployment? {
        if let active = self.active(path) { return active.deployment }
        do {
            return try await self.stored(path)
        } catch {
            throw .storeFailed(error)
        }
    }

    func existing(_ path: ResourcePath) async throws(Problem) -> Deployment {
        guard let found = try await self.find(path) else { throw .deploymentNotFound(path.name) }
        return found
    }

    /// The scope of a deployment's path. Throws for a name that deployments cannot have.
    func place(of path: ResourcePath) throws(Problem) -> ResourcePath {
        let isGood = path.name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "("), UInt8(ascii: ")"):
                true
            default: false
            }
        }
        guard path.isOf(type: Deployment.type), let scope = path.parent, scope.subscription != nil,
            [2, 4].contains(scope.segments.count)
        else {
            throw Problem(
                "InvalidDeploymentScope",
                shown: "Templates are deployed to a subscription or a resource group."
            )
        }
        guard isGood, (1...64).contains(path.name.utf8.count) else {
            throw Problem(
                "InvalidDeploymentName",
                shown:
                    "The deployment name '\(PrintableText.of(path.name, limit: 80))' is not valid: 1 to 64 letters, digits, "
                    + "'-', '.', '_', '(' and ')'."
            )
        }
        return scope
    }

    func permit(_ action: Action, at path: ResourcePath, _ author: ChangeAuthor) throws(Problem) {
        guard let subject = author.subject else { return }
        try self.resources.require(action, at: path, for: subject)
    }

    func event(_ action: String, _ deployment: Deployment, _ author: ChangeAuthor, failed: Bool = false) -> AuditEvent {
        AuditEvent(
            at: self.clock.now,
            actor: author.subject?.id,
            actorName: author.name,
            action: action,
            target: deployment.path.description,
            outcome: failed ? .failed : .success,
            correlation: author.correlation,
            source: author.source,
            details: ["templateHash": deployment.templateHash, "mode": deployment.mode.rawValue]
        )
    }
}

extension Resources {
    /// Throws unless templates can be deployed there.
    fileprivate func checkDeployable(_ scope: ResourcePath) throws(Problem) {
        guard self.resource(scope) == nil else { return }
        guard scope.resourceGroup != nil else {
            throw Problem("SubscriptionNotFound", shown: "The subscription '\(scope.name)' could not be found.")
        }
        throw Problem("ResourceGroupNotFound", shown: "Resource group '\(scope.name)' could not be found.")
    }
}

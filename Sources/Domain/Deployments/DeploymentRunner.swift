import AccessControl
import Audit
import Resources
import TemplateLanguage
import Vocabulary

/// Carrying out: resources in the order of what depends on what, several at a time.
extension Deployments {
    // How many resources of one deployment are made at once.
    private static let mostAtOnce = 8

    /// What became of one resource.
    private struct Outcome: Sendable {
        let index: Int
        var problem: Problem?
        var isNew = false
        /// What `reference` gives for a resource that `Resources` does not hold.
        var document: JSONValue?
        /// What a nested deployment made.
        var made: [ResourcePath] = []
    }

    /// Runs a deployment that was accepted to its end and says how it ended.
    func carryOut(
        _ run: TemplateRun,
        _ accepted: Deployment,
        by author: ChangeAuthor,
        depth: Int = 0,
        hiding outer: Redaction? = nil
    ) async {
        var run = run
        let redaction = Redaction(run.secrets, and: outer)
        var deployment = accepted
        deployment.state = .running
        deployment.changedAt = self.clock.now
        let running = deployment
        self.change(deployment.path) { $0.deployment = running }
        let worked = await self.work(&run, deployment.path, redaction, by: author, depth: depth)
        var problems = worked.problems
        deployment.outputResources = worked.made.sorted { $0.key < $1.key }
        let isCancelled = self.isCancelled(deployment.path)
        if problems.isEmpty, !isCancelled {
            do throws(TemplateError) {
                let documents = worked.documents
                let outputs = try run.outputs { reference throws(TemplateError) in
                    try self.look(up: reference, documents, for: author)
                }
                deployment.outputs = .object(
                    outputs.mapValues { output in
                        var shown: JSONValue = ["type": .string(output.type)]
                        shown["value"] = output.value.map { redaction($0) }
                        return shown
                    }
                )
            } catch {
                problems.append(redaction(Problem("DeploymentOutputEvaluationFailed", shown: error.sentence)))
            }
        }
        if problems.isEmpty, !isCancelled, deployment.mode == .complete {
            problems = await self.removeOthers(in: deployment.scope, besides: run, by: author)
        }
        deployment.changedAt = self.clock.now
        if !problems.isEmpty {
            deployment.state = .failed
            deployment.error = Problem.deploymentFailed(deployment.path, problems).document
        } else if isCancelled {
            deployment.state = .canceled
            deployment.error =
                Problem(
                    "DeploymentCanceled",
                    shown: "The deployment was canceled. What was made before is kept."
                ).document
        } else {
            deployment.state = .succeeded
        }
        await self.finish(deployment, by: author)
    }

    private func finish(_ deployment: Deployment, by author: ChangeAuthor) async {
        // When this cannot be stored, the next start says that the deployment was interrupted.
        try? await self.keep(deployment)
        try? await self.audit.record(
            self.event("deployment.end", deployment, author, failed: deployment.state != .succeeded)
        )
        self.change(deployment.path) { $0.deployment = deployment }
        self.leave(deployment.path)
    }

    // MARK: Resources

    private func work(
        _ run: inout TemplateRun,
        _ path: ResourcePath,
        _ redaction: Redaction,
        by author: ChangeAuthor,
        depth: Int
    ) async -> (problems: [Problem], made: [ResourcePath], documents: [String: JSONValue]) {
        let resources = run.resources
        var queue = WorkQueue(resources, in: run.order)
        var problems: [Problem] = []
        var made: [ResourcePath] = []
        var documents: [String: JSONValue] = [:]
        await withTaskGroup(of: Outcome.self) { group in
            var underway = 0
            while true {
                while underway < Self.mostAtOnce, !self.isCancelled(path), let index = queue.next() {
                    let resource = resources[index]
                    guard resource.isWanted, !resource.isExisting else {
                        queue.finish(index)
                        continue
                    }
                    let operation = self.begin(index, resource, of: path)
                    let step = self.step(resource, index, of: &run, documents, by: author, depth: depth, redaction)
                    underway += 1
                    group.addTask {
                        var outcome = await step()
                        outcome.problem = outcome.problem.map { redaction($0) }
                        await self.end(operation, outcome.problem, isNew: outcome.isNew, of: path)
                        return outcome
                    }
                }
                guard let outcome = await group.next() else { break }
                underway -= 1
                if let problem = outcome.problem {
                    problems.append(problem)
                    continue
                }
                if let document = outcome.document { documents[resources[outcome.index].path.key] = document }
                made += outcome.made
                queue.finish(outcome.index)
            }
        }
        return (problems, made, documents)
    }

    // What making one resource takes, its expressions worked out with the documents of those before it.
    private func step(
        _ resource: PlannedResource,
        _ index: Int,
        of run: inout TemplateRun,
        _ known: [String: JSONValue],
        by author: ChangeAuthor,
        depth: Int,
        _ redaction: Redaction
    ) -> @Sendable () async -> Outcome {
        do throws(TemplateError) {
            let lookup: TemplateLookup = { reference throws(TemplateError) in
                try self.look(up: reference, known, for: author)
            }
            if resource.isDeployment {
                let surroundings = self.surroundings(resource.path, nil, by: author, at: resource.location)
                let inner = try run.nested(resource, in: surroundings, lookup)
                return {
                    await self.deploy(inner, resource, index, by: author, depth: depth, hiding: redaction)
                }
            }
            let body = try run.body(of: resource, lookup)
            return { await self.make(resource, body, index, by: author) }
        } catch {
            let problem = error.problem
            return { Outcome(index: index, problem: problem) }
        }
    }

    // Everything that has to be thrown away after its use, the body above all, lives in here.
    private func make(_ resource: PlannedResource, _ body: JSONValue, _ index: Int, by author: ChangeAuthor) async
        -> Outcome
    {
        do throws(Problem) {
            let author = try await self.renewed(author)
            if resource.isRoleAssignment {
                let (document, created) = try await self.assign(resource, body, by: author)
                let path = document["id"]?.string.flatMap { ResourcePath($0) } ?? resource.path
                return Outcome(index: index, isNew: created, document: document, made: [path])
            }
            let outcome = try await self.resources.put(resource.path, body: body, by: author)
            if let operation = outcome.operation, let problem = await self.resources.outcome(of: operation) {
                return Outcome(index: index, problem: Self.about(resource, problem))
            }
            return Outcome(index: index, isNew: outcome.created, made: [outcome.resource.path])
        } catch {
            return Outcome(index: index, problem: Self.about(resource, error))
        }
    }

    private static func about(_ resource: PlannedResource, _ problem: Problem) -> Problem {
        Problem(
            problem.code,
            shown: problem.shown,
            logged: problem.logged,
            target: problem.target ?? resource.path.description,
            details: problem.details
        )
    }

    // A deployment in a deployment has a record of its own, which can be shown and asked like any other.
    private func deploy(
        _ run: TemplateRun,
        _ resource: PlannedResource,
        _ index: Int,
        by author: ChangeAuthor,
        depth: Int,
        hiding outer: Redaction
    ) async -> Outcome {
        do throws(Problem) {
            guard depth + 1 < Self.deepest else {
                throw Problem("InvalidTemplate", shown: "Templates are nested more than \(Self.deepest) levels deep.")
            }
            _ = try self.place(of: resource.path)
            let author = try await self.renewed(author)
            try self.permit(.write(Deployment.type), at: resource.path, author)
            let isNew = try await self.find(resource.path) == nil
            var deployment = Deployment(
                path: resource.path,
                run: GUID(from: self.random),
                owner: author.subject?.id,
                correlation: author.correlation,
                startedAt: self.clock.now,
                location: resource.location,
                mode: .incremental,
                changedAt: self.clock.now,
                template: KeptTemplate.of(resource.written("template") ?? .null),
                templateHash: run.hash,
                // What is a secret in the template around it may be an ordinary parameter here.
                parameters: Redaction(run.secrets, and: outer)(run.shownParameters)
            )
            deployment.describe(run)
            let accepted = deployment
            try self.enter(accepted, isNested: true)
            do {
                try await self.keep(accepted, isNew: true)
            } catch {
                self.leave(accepted.path)
                throw Problem.storeFailed(error)
            }
            await self.carryOut(run, accepted, by: author, depth: depth + 1, hiding: outer)
            guard let ended = try await self.find(accepted.path), ended.run == accepted.run else {
                throw Problem("DeploymentNotFound", shown: "The nested deployment was removed while it ran.")
            }
            guard ended.state == .succeeded else {
                let why = ended.error.map(Problem.init(document:)) ?? .deploymentFailed(ended.path, [])
                return Outcome(index: index, problem: Self.about(resource, why))
            }
            return Outcome(index: index, isNew: isNew, document: ended.document, made: ended.outputResources)
        } catch {
            return Outcome(index: index, problem: Self.about(resource, error))
        }
    }

    // The rights that somebody has when a resource's turn comes, not those from when the deployment began.
    func renewed(_ author: ChangeAuthor) async throws(Problem) -> ChangeAuthor {
        guard let subject = author.subject else { return author }
        let current: Subject?
        do {
            current = try await self.hooks.current(subject)
        } catch {
            throw Problem("InternalServerError", shown: "The directory could not be asked.", logged: "\(error)")
        }
        guard let current else {
            throw Problem(
                "AuthorizationFailed",
                shown: "The client '\(subject.name)' with object id '\(subject.id)' may not act any more."
            )
        }
        return .subject(current, source: author.source, correlation: author.correlation)
    }

    /// What `reference` gives.
    func look(up reference: TemplateReference, _ documents: [String: JSONValue], for author: ChangeAuthor)
        throws(TemplateError) -> JSONValue
    {
        var document: JSONValue
        if let known = documents[reference.path.key] {
            document = known
        } else {
            do throws(Problem) {
                let resource: Resource?
                if let subject = author.subject {
                    resource = try self.resources.get(reference.path, for: subject)
                } else {
                    resource = self.resources.resource(reference.path)
                }
                guard let resource else {
                    throw Problem("ResourceNotFound", shown: "The resource '\(reference.path)' was not found.")
                }
                document = self.resources.document(of: resource)
            } catch {
                throw TemplateError("'reference' cannot be answered: \(error.shown)")
            }
        }
        guard reference.isFull else { return document["properties"] ?? [:] }
        document["subscriptionId"] = reference.path.subscription.map { .string($0.description) }
        document["resourceGroupName"] = reference.path.resourceGroup.map { .string($0) }
        document["resourceId"] = document["id"]
        document["apiVersion"] = "2024-11-01"
        return document
    }

    // MARK: Operations

    private func begin(_ index: Int, _ resource: PlannedResource, of path: ResourcePath) -> DeploymentOperation {
        let operation = DeploymentOperation(
            index,
            on: resource.path,
            type: resource.type,
            at: self.clock.now,
            tracking: GUID(from: self.random)
        )
        self.change(path) { $0.operations.append(operation) }
        return operation
    }

    private func end(_ operation: DeploymentOperation, _ problem: Problem?, isNew: Bool, of path: ResourcePath) async {
        var ended = operation
        ended.end(problem, isNew: isNew, at: self.clock.now)
        let now = ended
        self.change(path) { active in
            guard let place = active.operations.firstIndex(where: { $0.name == now.name }) else { return }
            active.operations[place] = now
        }
        // What was made is made, whether or not this line of its history can be stored.
        try? await self.keep(now, of: path)
    }
}

extension Problem {
    /// Reads a problem from a document that shows one.
    init(document: JSONValue) {
        self.init(
            document["code"]?.string ?? "DeploymentFailed",
            shown: document["message"]?.string ?? "",
            target: document["target"]?.string,
            details: (document["details"]?.array ?? []).map { Problem(document: $0) }
        )
    }
}

import AccessControl
import Resources
import TemplateLanguage
import Vocabulary

/// A template that could be deployed: everything about it was judged that can be judged before.
struct Prepared: Sendable {
    /// The template with its parameters, planned.
    var run: TemplateRun
    /// What it would make, as far as it is known before.
    var wishes: [Wish] = []
    /// The resources that are known only while it is deployed.
    var later: [PlannedResource] = []

    /// One resource that would be made.
    struct Wish: Sendable {
        let resource: PlannedResource
        let body: JSONValue
        /// The keys of what must be there before.
        let needs: Set<String>
    }

    /// The resources that it deploys.
    var wanted: [PlannedResource] { self.run.resources.filter { $0.isWanted && !$0.isExisting } }
}

extension Deployments {
    // Source: Azure Resource Manager, "Linked and nested templates": five levels of nesting.
    static let deepest = 5

    /// Reads, plans and judges a template: rights on every resource first, then every body that is known, together.
    func prepare(_ path: ResourcePath, _ request: DeploymentRequest, by author: ChangeAuthor) async throws(Problem)
        -> Prepared
    {
        let run: TemplateRun
        do throws(TemplateError) {
            run = try TemplateRun(
                request.template,
                parameters: request.parameters,
                in: self.surroundings(path, request.template, by: author, at: request.location)
            )
        } catch {
            throw error.problem
        }
        var prepared = Prepared(run: run)
        let redaction = Redaction(run.secrets)
        var found = Findings()
        try self.survey(&prepared.run, by: author, depth: 0, into: &found)
        prepared.wishes = found.wishes
        prepared.later = found.later
        let problems = found.problems.isEmpty ? await self.rehearse(found.wishes, by: author) : found.problems
        guard problems.isEmpty else {
            throw .invalidDeployment(path, author.correlation, problems.map { redaction($0) })
        }
        return prepared
    }

    /// What a survey of a template and of the templates in it finds.
    private struct Findings {
        var wishes: [Prepared.Wish] = []
        var later: [PlannedResource] = []
        /// What the author may not do of it, and what is wrong with the templates in it.
        var problems: [Problem] = []
    }

    private func survey(
        _ run: inout TemplateRun,
        by author: ChangeAuthor,
        depth: Int,
        into found: inout Findings
    ) throws(Problem) {
        guard depth < Self.deepest else {
            throw Problem(
                "InvalidTemplate",
                shown:
                    "Deployment template validation failed: templates are nested more than \(Self.deepest) levels deep."
            )
        }
        var unknown: Set<Int> = []
        for index in run.order {
            let resource = run.resources[index]
            guard resource.isWanted, !resource.isExisting else { continue }
            do throws(Problem) {
                try self.permit(resource, by: author)
            } catch {
                found.problems.append(error)
                continue
            }
            let waits = resource.dependencies.contains { unknown.contains($0) }
            if resource.needsRunning || waits { unknown.insert(index) }
            do throws(TemplateError) {
                if resource.isDeployment {
                    try self.survey(nested: resource, of: &run, waits: waits, by: author, depth: depth, into: &found)
                } else if resource.needsRunning || waits || resource.isRoleAssignment {
                    found.later.append(resource)
                } else {
                    let needs = Set(resource.dependencies.map { run.resources[$0].path.key })
                    found.wishes.append(
                        Prepared.Wish(resource: resource, body: try run.body(of: resource), needs: needs)
                    )
                }
            } catch {
                throw error.problem
            }
        }
    }

    // A template in a template: one that has to wait is read all the same, for what is wrong with its parameters.
    private func survey(
        nested resource: PlannedResource,
        of run: inout TemplateRun,
        waits: Bool,
        by author: ChangeAuthor,
        depth: Int,
        into found: inout Findings
    ) throws(TemplateError) {
        guard !resource.needsRunning else {
            found.later.append(resource)
            return
        }
        let surroundings = self.surroundings(
            resource.path,
            nil,
            by: author,
            at: resource.location,
            planned: found.wishes
        )
        var inner = try run.nested(resource, in: surroundings, Self.unknown)
        guard !waits else {
            found.later.append(resource)
            return
        }
        do throws(Problem) {
            try self.survey(&inner, by: author, depth: depth + 1, into: &found)
        } catch {
            found.problems.append(error)
        }
    }

    static func unknown(_ reference: TemplateReference) throws(TemplateError) -> JSONValue {
        throw TemplateError("'\(reference.path.name)' is known only while the template is deployed.")
    }

    // Rights before everything else, so that a template cannot be used to find out what there is.
    private func permit(_ resource: PlannedResource, by author: ChangeAuthor) throws(Problem) {
        guard let subject = author.subject else { return }
        let refused: Problem?
        do throws(Problem) {
            if resource.isRoleAssignment {
                return try self.permitAssignment(resource, for: subject)
            }
            guard let type = resource.isDeployment ? Deployment.type : self.resources.actionType(of: resource.type)
            else {
                throw Problem(
                    "InvalidResourceType",
                    shown:
                        "The resource type '\(PrintableText.of(resource.type))' could not be found in this installation."
                )
            }
            try self.resources.require(.write(type), at: resource.path, for: subject)
            refused = nil
        } catch {
            refused = error
        }
        guard let refused else { return }
        let isMissing = ["AuthorizationFailed", "SubscriptionNotFound"].contains(refused.code)
        throw Problem(
            refused.code,
            shown: (isMissing
                ? "Authorization failed for template resource '\(resource.name)' of type '\(resource.type)'. " : "")
                + refused.shown,
            target: resource.path.description
        )
    }

    // Plays all known bodies through together, without making anything. Names what is refused, at most five resources.
    private func rehearse(_ wishes: [Prepared.Wish], by author: ChangeAuthor) async -> [Problem] {
        var left = wishes
        var problems: [Problem] = []
        while !left.isEmpty, problems.count < 5 {
            do throws(Problem) {
                _ = try await self.resources.putAll(
                    left.map { ResourceWish($0.resource.path, $0.body) },
                    by: author,
                    dryRun: true
                )
                break
            } catch {
                // The engine begins its private text with the path of the one that it refused.
                let refused = left.first { error.logged.hasPrefix("\($0.resource.path) ") }
                problems.append(
                    Problem(
                        error.code,
                        shown: error.shown,
                        target: refused?.resource.path.description,
                        details: error.details
                    )
                )
                guard let refused else { break }
                var gone: Set<String> = [refused.resource.path.key]
                left = left.filter { wish in
                    if gone.contains(wish.resource.path.key) { return false }
                    guard wish.needs.isDisjoint(with: gone) else {
                        gone.insert(wish.resource.path.key)
                        return false
                    }
                    return true
                }
            }
        }
        return problems
    }

    // MARK: What a template may ask about its place

    func surroundings(
        _ path: ResourcePath,
        _ template: Template?,
        by author: ChangeAuthor,
        at location: String? = nil,
        planned: [Prepared.Wish] = []
    ) -> TemplateSurroundings {
        let scope = path.parent ?? .root
        let settings = self.resources.settings
        let places = settings.locations.map { JSONValue.string($0.displayName) }
        let resources = self.resources
        var surroundings = TemplateSurroundings(scope: scope, now: self.clock.now, random: self.random) {
            namespace,
            type in
            guard resources.actionType(of: "\(namespace)/\(type)") != nil else { return nil }
            return ["resourceType": .string(type), "locations": .array(places), "apiVersions": ["2024-11-01"]]
        }
        surroundings.tenant = [
            "id": .string("/tenants/\(settings.tenantID)"), "tenantId": .string(settings.tenantID.description),
            "displayName": .string(settings.tenantName), "countryCode": "",
        ]
        if let subscription = scope.subscription, let place = ResourcePath("/subscriptions/\(subscription)") {
            surroundings.subscription = [
                "id": .string(place.description), "subscriptionId": .string(subscription.description),
                "tenantId": .string(settings.tenantID.description),
                "displayName": resources.resource(place)?.properties["displayName"]
                    ?? .string(subscription.description),
            ]
        }
        if scope.resourceGroup != nil {
            // A group that the same deployment makes is not there yet.
            let body = planned.first { $0.resource.path == scope }?.body
            let location = resources.resource(scope)?.location.map { JSONValue.string($0) } ?? body?.member("location")
            let tags = resources.resource(scope).map { JSONValue.object($0.tags.mapValues { .string($0) }) }
            surroundings.resourceGroup = [
                "id": .string(scope.description), "name": .string(scope.name),
                "type": "Microsoft.Resources/resourceGroups",
                "location": location ?? .string(settings.locations.first?.name ?? "local"),
                "tags": tags ?? body?.member("tags") ?? [:], "properties": ["provisioningState": "Succeeded"],
            ]
        }
        surroundings.deployment = [
            "name": .string(path.name),
            "properties": [
                "template": ["contentVersion": template?.document.member("contentVersion") ?? "1.0.0.0"],
                "templateHash": .string(template?.hash ?? ""), "mode": "Incremental", "provisioningState": "Accepted",
            ],
        ]
        surroundings.deployment["location"] = location.map { .string($0) }
        surroundings.deployer = [
            "objectId": .string(author.subject?.id.description ?? GUID.zero.description),
            "tenantId": .string(settings.tenantID.description), "userPrincipalName": .string(author.name),
        ]
        return surroundings
    }

    /// A deployment as it stands when it is accepted.
    func describe(_ path: ResourcePath, _ prepared: Prepared, _ request: DeploymentRequest, by author: ChangeAuthor)
        -> Deployment
    {
        var deployment = Deployment(
            path: path,
            run: GUID(from: self.random),
            owner: author.subject?.id,
            correlation: author.correlation,
            startedAt: self.clock.now,
            location: request.location,
            mode: request.mode,
            changedAt: self.clock.now,
            template: KeptTemplate.of(request.template.document),
            templateHash: request.template.hash,
            parameters: Redaction(prepared.run.secrets)(prepared.run.shownParameters)
        )
        deployment.describe(prepared.run)
        return deployment
    }
}

extension Deployment {
    /// Says which types a template is about and what depends on what.
    mutating func describe(_ run: TemplateRun) {
        let wanted = run.resources.filter { $0.isWanted && !$0.isExisting }
        var types: [String: Set<String>] = [:]
        for one in wanted {
            let parts = one.type.split(separator: "/" as Character, maxSplits: 1).map(String.init)
            types[parts.first ?? "", default: []].insert(parts.last ?? "")
        }
        self.providers = .array(
            types.sorted { $0.key < $1.key }.map { namespace, types in
                [
                    "namespace": .string(namespace),
                    "resourceTypes": .array(
                        types.sorted().map { type in
                            let location = wanted.first { $0.type == "\(namespace)/\(type)" }?.location
                            return [
                                "resourceType": .string(type),
                                "locations": .array([location.map { .string($0) } ?? .null]),
                            ]
                        }
                    ),
                ]
            }
        )
        self.dependencies = .array(
            wanted.filter { !$0.dependencies.isEmpty }.map { one in
                [
                    "id": .string(one.path.description), "resourceType": .string(one.type),
                    "resourceName": .string(one.name),
                    "dependsOn": .array(
                        one.dependencies.map { run.resources[$0] }.filter(\.isWanted).map { other in
                            [
                                "id": .string(other.path.description), "resourceType": .string(other.type),
                                "resourceName": .string(other.name),
                            ]
                        }
                    ),
                ]
            }
        )
    }
}

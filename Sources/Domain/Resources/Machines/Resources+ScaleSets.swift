import Fabric
public import Vocabulary

/// Bringing the machines of a scale set to what the set says.
extension Resources {
    /// Removes what is too much, makes what is missing, and follows the model where the policy says so. Returns the first failure.
    func settleScaleSet(_ path: ResourcePath) async -> Verdict<Void> {
        guard let set = self.resource(path) else {
            return .refused(Refusal("ResourceNotFound", reason: "The scale set is not there any more."))
        }
        let machines = self.machines(of: path)
        var failure: Refusal?
        for surplus in machines.dropFirst(set.capacity) {
            if let problem = await self.finishRemoval(of: surplus.path, by: .system) {
                failure = failure ?? Refusal(problem.code, reason: problem.shown)
            }
        }
        let kept = machines.prefix(set.capacity)
        let isAutomatic = set.properties["upgradePolicy"]?["mode"]?.string != "Manual"
        let verdicts = await withTaskGroup(of: Verdict<Void>.self) { group in
            for machine in kept {
                let isNew = machine.appliedModel == nil
                guard isNew || isAutomatic || machine.hasFailed else { continue }
                group.addTask { await self.bring(machine.path, to: set) }
            }
            return await group.reduce(into: [Verdict<Void>]()) { $0.append($1) }
        }
        for case .refused(let refusal) in verdicts { failure = failure ?? refusal }
        return failure.map { .refused($0) } ?? .allowed(())
    }

    /// Makes a machine when it is not there, and applies the model: extensions come and go.
    func bring(_ path: ResourcePath, to set: Resource) async -> Verdict<Void> {
        guard let machine = self.resource(path) else { return .allowed(()) }
        if machine.making != nil, machine.making?.isMade == false || machine.hasFailed {
            let verdict = await self.makeMachine(path)
            _ = await self.conclude(path, verdict)
            guard case .allowed = verdict else { return verdict }
        }
        let extensions: [ResourcePath]
        do throws(Problem) {
            extensions = try await self.perform(by: .system, "resource.write", path) { plan throws(Problem) in
                guard var machine = plan[path] else { return [] }
                machine.properties["appliedModel"] = .string(set.modelDigest)
                machine.properties["hardwareProfile"] = ["vmSize": set.sku?["name"] ?? ""]
                plan.store(machine, as: "scaleSet.upgrade")
                return try plan.applyExtensions(of: set, to: machine)
            }
        } catch {
            return .refused(Refusal(error.code, reason: error.shown))
        }
        var failure: Refusal?
        for installed in extensions where self.resource(installed)?.isBusy == true {
            let verdict = await self.install(installed)
            _ = await self.conclude(installed, verdict)
            if case .refused(let refusal) = verdict { failure = failure ?? refusal }
        }
        return failure.map { .refused($0) } ?? .allowed(())
    }

    /// The machines of a set, by number.
    func machines(of set: ResourcePath) -> [Resource] {
        self.list(type: ResourceKind.scaleSetInstanceType, below: set)
            .sorted { (Int($0.name) ?? 0, $0.name) < (Int($1.name) ?? 0, $1.name) }
    }

    /// What is known of a whole set: how many machines are in which state.
    public func instanceView(ofScaleSet set: Resource) -> JSONValue {
        var counts: [String: Int64] = [:]
        var handlers: [String: [String: Int64]] = [:]
        for machine in self.machines(of: set.path) {
            let view = self.instanceView(of: machine)
            for status in view["statuses"]?.array ?? [] {
                guard let code = status["code"]?.string else { continue }
                counts[code, default: 0] += 1
            }
            for installed in view["extensions"]?.array ?? [] {
                guard let name = installed["name"]?.string,
                    let code = installed["statuses"]?.array?.first?["code"]?.string
                else { continue }
                handlers[name, default: [:]][code, default: 0] += 1
            }
        }
        func summary(_ counts: [String: Int64]) -> JSONValue {
            .array(counts.sorted { $0.key < $1.key }.map { ["code": .string($0.key), "count": .integer($0.value)] })
        }
        let state = set.provisioningState.lowercased()
        return [
            "virtualMachine": ["statusesSummary": summary(counts)],
            "extensions": .array(
                handlers.sorted { $0.key < $1.key }
                    .map { ["name": .string($0.key), "statusesSummary": summary($0.value)] }
            ),
            "statuses": [
                [
                    "code": .string("ProvisioningState/\(state)"), "level": set.hasFailed ? "Error" : "Info",
                    "displayStatus": .string("Provisioning \(state)"), "time": .string(set.changedAt.description),
                ]
            ],
            "orchestrationServices": [],
        ]
    }
}

extension Plan {
    /// Gives a machine the extensions of the model, and takes those that are not in it. Returns those it shall have.
    fileprivate mutating func applyExtensions(of set: Resource, to machine: Resource) throws(Problem) -> [ResourcePath]
    {
        var wanted: [ResourcePath] = []
        for model in set.modelExtensions {
            guard let name = model["name"]?.string else { continue }
            let path = machine.path.appending("extensions", name)
            let body: JSONValue = [
                "location": .string(machine.location ?? ""), "properties": model["properties"] ?? [:],
            ]
            _ = try self.put(path, body: body, isAuthorized: true)
            wanted.append(path)
        }
        for old in self.children(of: machine.path, type: ResourceKind.scaleSetExtensionType)
        where !wanted.contains(old.path) {
            try self.remove(old.path, isAuthorized: true)
        }
        return wanted
    }
}

extension Snapshot {
    /// Why sign-in to a machine of a scale set cannot work yet: the model has it, the machine does not follow the model.
    func modelRefusal(of machine: Resource) -> Refusal? {
        guard machine.path.isOf(type: ResourceKind.scaleSetInstanceType),
            let set = machine.path.parent.flatMap({ self[$0] }),
            machine.appliedModel != set.modelDigest
        else { return nil }
        let wanted = set.modelExtensions.contains { model in
            ExtensionHandler(
                publisher: model["properties"]?["publisher"]?.string ?? "",
                type: model["properties"]?["type"]?.string ?? ""
            )?.isSignIn == true
        }
        let has = self.list(type: ResourceKind.scaleSetExtensionType, below: machine.path)
            .contains { $0.handler?.isSignIn == true && $0.provisioningState == "Succeeded" }
        guard wanted, !has else { return nil }
        return Refusal(
            "OldModel",
            reason: "'\(set.name)_\(machine.name)' runs an older model of its scale set, without sign-in.",
            remedy:
                "Bring it to the latest: az vmss update-instances -g \(set.path.resourceGroup ?? "") -n \(set.name) "
                + "--instance-ids \(machine.name)."
        )
    }
}

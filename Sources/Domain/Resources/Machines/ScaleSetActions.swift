import Vocabulary

/// What a scale set does on a POST, for all of its machines or those that the body names. Source: Azure scale sets REST.
extension KindAction {
    static let ofScaleSets: [String: KindAction] = [
        "manualupgrade": .each(needsNames: true) { resources, set, machine, _ in
            await resources.bring(machine.path, to: set)
        },
        "start": .power("start"), "restart": .power("restart"), "poweroff": .power("poweroff"),
        "deallocate": .power("deallocate"), "redeploy": .power("redeploy"), "reapply": .power("reapply"),
        "delete": .each(needsNames: true) { resources, _, machine, _ in
            let problem = await resources.finishRemoval(of: machine.path, by: .system)
            return problem.map { .refused(Refusal($0.code, reason: $0.shown)) } ?? .allowed(())
        },
        "reimage": notMadeAnew, "reimageall": notMadeAnew,
    ]

    private static let notMadeAnew = refused(
        "Machines are not made anew from their image: delete the instances and scale out again."
    )

    private static func power(_ verb: String) -> KindAction {
        .each(needsNames: false) { resources, _, machine, call in
            do throws(Problem) {
                guard case .started(let operation) = try await resources.act(verb, on: machine.path, call) else {
                    return .allowed(())
                }
                guard let problem = await resources.operations.end(of: operation.id) else { return .allowed(()) }
                return .refused(Refusal(problem.code, reason: problem.shown))
            } catch {
                return .refused(Refusal(error.code, reason: error.shown))
            }
        }
    }

    private static func each(
        needsNames: Bool,
        _ work: @escaping @Sendable (Resources, Resource, Resource, ActionCall) async -> Verdict<Void>
    ) -> KindAction {
        KindAction { resources, set, call throws(Problem) in
            guard !set.isBusy else { throw Problem.busy(set) }
            let machines = try resources.named(in: call.body, of: set, isNeeded: needsNames)
            try resources.operations.checkRoom()
            return .started(
                resources.begin(.action, on: set, by: call.author) {
                    let verdicts = await withTaskGroup(of: Verdict<Void>.self) { group in
                        for machine in machines { group.addTask { await work(resources, set, machine, call) } }
                        return await group.reduce(into: [Verdict<Void>]()) { $0.append($1) }
                    }
                    for case .refused(let refusal) in verdicts {
                        return Problem(refusal.code, shown: refusal.sentence)
                    }
                    return nil
                }
            )
        }
    }
}

extension Resources {
    /// The machines that a body names in `instanceIds`; `*`, or nothing where that is allowed, means all.
    fileprivate func named(in body: JSONValue, of set: Resource, isNeeded: Bool) throws(Problem) -> [Resource] {
        let machines = self.machines(of: set.path)
        guard let list = body.member("instanceIds")?.array, !list.isEmpty else {
            guard !isNeeded else { throw .invalidContent("instanceIds", "names instances, or '*' for all") }
            return machines
        }
        let names = list.compactMap {
            $0.string.map { $0.split(separator: "_" as Character).last.map(String.init) ?? $0 }
        }
        if names.contains("*") { return machines }
        for name in names where !machines.contains(where: { $0.name == name }) {
            throw Problem(
                "InvalidParameter",
                shown:
                    "The provided instanceId \(PrintableText.of(name)) is not an active Virtual Machine Scale Set VM "
                    + "instanceId."
            )
        }
        return machines.filter { names.contains($0.name) }
    }
}

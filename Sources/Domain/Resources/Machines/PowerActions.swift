import Fabric
import Vocabulary

/// Starting and stopping machines. Source: Azure virtual machines REST, the actions of a machine.
extension KindAction {
    /// What every machine that the fabric made can be told to do.
    static let ofMachines: [String: KindAction] = [
        "start": .power(.running) { resources, path, _ in await resources.start(path) },
        "restart": .power(.running) { resources, path, _ in
            switch resources.hooks.fabric.state(of: path) {
            case .running: await resources.perform(.restart, on: path)
            // Not known as long as the fabric is away: what runs shall not be left as it is, what is not there be made.
            case nil: await resources.start(path, by: .restart)
            default: await resources.start(path)
            }
        },
        "poweroff": .power(.stopped) { resources, path, call in
            let isAtOnce = call.options["skipshutdown"]?.lowercased() == "true"
            return await resources.perform(isAtOnce ? .kill : .powerOff, on: path)
        },
        "deallocate": .power(.deallocated) { resources, path, _ in await resources.perform(.deallocate, on: path) },
        "reapply": .power(nil) { resources, path, _ in
            guard resources.resource(path)?.making?.power == .running else { return .allowed(()) }
            return await resources.start(path)
        },
        "redeploy": .power(.running) { resources, path, _ in
            let stopped = await resources.perform(.deallocate, on: path)
            guard case .allowed = stopped else { return stopped }
            return await resources.start(path)
        },
        "generalize": .refused(ResourceKind.imagesAreOperators),
        "capture": .refused(ResourceKind.imagesAreOperators),
        "runcommand": .runCommand, "attachdetachdatadisks": .attachDetachDataDisks,
        "reimage": .refused("Machines are not made anew from their image: delete the machine and create it again."),
    ]

    /// An action after which a machine shall be running, stopped or deallocated; nil leaves that as it is.
    private static func power(
        _ power: Making.Power?,
        _ work: @escaping @Sendable (Resources, ResourcePath, ActionCall) async -> Verdict<Void>
    ) -> KindAction {
        KindAction { resources, resource, call throws(Problem) in
            let path = resource.path
            let marked = try await resources.begin(on: path, power, by: call.author)
            return .started(
                resources.begin(.action, on: marked, by: call.author) {
                    await resources.conclude(path, await work(resources, path, call))
                }
            )
        }
    }
}

extension Resources {
    /// Notes what a machine shall be doing and that it is on the way there.
    fileprivate func begin(on path: ResourcePath, _ power: Making.Power?, by author: ChangeAuthor)
        async throws(Problem) -> Resource
    {
        try self.operations.checkRoom()
        return try await self.perform(by: author, "resource.action", path) { plan throws(Problem) in
            guard var machine = plan[path] else { throw Problem.missing(path) }
            guard var making = machine.making, making.isMade else {
                throw Problem(
                    "OperationNotAllowed",
                    shown: machine.making == nil
                        ? "'\(machine.name)' is not run by this installation, so it cannot be started or stopped from here. "
                            + "Do it where the machine runs."
                        : "'\(machine.name)' was never made (\(machine.failure?.reason ?? "it is being made")). Delete it "
                            + "and create it again."
                )
            }
            guard !machine.isBusy else { throw Problem.busy(machine) }
            making.power = power ?? making.power
            machine.making = making
            machine.provisioningState = "Updating"
            machine.failure = nil
            plan.store(machine, as: power.map { "machine.\($0.rawValue)" } ?? "machine.reapply")
            return machine
        }
    }

    fileprivate func start(_ path: ResourcePath, by action: MachineAction = .start) async -> Verdict<Void> {
        do throws(Problem) {
            // Brought up to date first: rules and addresses may have changed while it was off.
            try await self.fit(path)
        } catch {
            return .refused(Refusal(error.code, reason: error.shown))
        }
        return await self.perform(action, on: path)
    }

    fileprivate func perform(_ action: MachineAction, on path: ResourcePath) async -> Verdict<Void> {
        do throws(Problem) {
            try await self.hooks.fabric.perform(action, on: path)
            return .allowed(())
        } catch {
            return .refused(Refusal(error.code, reason: error.shown))
        }
    }
}

extension Resource {
    /// Why nobody reaches a machine that was stopped on purpose; sessions on it end with this.
    var powerRefusal: Refusal? {
        guard let power = self.making?.power, power != .running else { return nil }
        return Refusal(
            "MachineNotRunning",
            reason: "'\(self.name)' is \(power.rawValue).",
            remedy: "Start it: az vm start -g \(self.path.resourceGroup ?? "") -n \(self.name)."
        )
    }
}

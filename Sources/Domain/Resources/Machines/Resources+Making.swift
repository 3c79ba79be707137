import Fabric
import Vocabulary

/// Making machines and networks real, and taking them away again.
extension Resources {
    /// Makes a machine or brings it to what its resource says. Returns why not.
    func makeMachine(_ path: ResourcePath) async -> Verdict<Void> {
        let hooks = self.hooks
        guard let machine = self.resource(path), let making = machine.making else {
            return .refused(Refusal("ResourceNotFound", reason: "The machine is not there any more."))
        }
        // The machines of a scale set are made with what came with the set.
        let secrets = self.machineSecrets[path] ?? path.parent.flatMap { self.machineSecrets[$0] }
        defer { self.machineSecrets.forget(path) }
        guard making.isMade || !making.needsSecrets || secrets != nil else {
            return .refused(
                Refusal(
                    "ProvisioningInterrupted",
                    reason:
                        "The server stopped before '\(machine.name)' was made. Its password and its start-up script "
                        + "are kept in memory only and are gone.",
                    remedy: "Delete the machine and create it again."
                )
            )
        }
        do throws(Problem) {
            let token = making.isMade ? nil : try await self.enrolment(of: path, hooks)
            try await self.fit(path) { order in
                var whole = order.with(secrets)
                whole.enrolment = token
                return whole
            }
            // One that was switched off is not started by being told what it is like.
            if making.isMade, making.power == .running { try await hooks.fabric.perform(.start, on: path) }
        } catch {
            return .refused(Refusal(error.code, reason: error.shown))
        }
        if making.power != .running { return await self.settlePower(of: path, to: making.power) }
        if !making.isMade {
            await self.joins.wait(for: path, within: hooks.joinDeadline) { hooks.instanceView(path) != nil }
        }
        return .allowed(())
    }

    /// Tells the fabric what a machine is like now: its networks first, then itself; once more when it changed meanwhile.
    func fit(_ path: ResourcePath, _ finish: (MachineOrder) -> MachineOrder = { $0 }) async throws(Problem) {
        let fabric = self.hooks.fabric
        for _ in 0..<3 {
            let snapshot = self.current
            guard let machine = snapshot[path], let making = machine.making else { return }
            let order = snapshot.order(for: machine, making)
            for network in snapshot.networks(of: machine) where !self.settings.isDeclared(network.path) {
                try await fabric.put(snapshot.order(for: network))
            }
            try await fabric.put(finish(order))
            self.fitted.note(order.interfaces, of: path)
            let now = self.current
            guard let later = now[path], now.places(of: later) != order.interfaces else { return }
        }
    }

    private func enrolment(of path: ResourcePath, _ hooks: ResourceHooks) async throws(Problem)
        -> MachineOrder.Enrolment?
    {
        do {
            return try await hooks.enrolment(path)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem("InternalServerError", shown: "No token for joining could be made.", logged: "\(error)")
        }
    }

    private func settlePower(of path: ResourcePath, to power: Making.Power) async -> Verdict<Void> {
        do throws(Problem) {
            try await self.hooks.fabric.perform(power == .stopped ? .powerOff : .deallocate, on: path)
            return .allowed(())
        } catch {
            return .refused(Refusal(error.code, reason: error.shown))
        }
    }

    // MARK: Taking away

    /// Takes away what the fabric made at and below a path: machines first, then the networks. Returns what went wrong.
    func unmake(at path: ResourcePath) async -> Refusal? {
        let fabric = self.hooks.fabric
        let all = self.list(type: nil, below: path)
        for one in all { self.machineSecrets.forget(one.path) }
        let problem = await withTaskGroup(of: Problem?.self) { group in
            for machine in all where machine.making != nil && machine.isMachine {
                group.addTask {
                    do throws(Problem) {
                        try await fabric.perform(.delete, on: machine.path)
                        self.fitted.forget(machine.path)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            var first: Problem?
            for await problem in group { first = first ?? problem }
            return first
        }
        if let problem { return Refusal(problem.code, reason: problem.shown) }
        for network in all where self.isMadeNetwork(network, fabric) {
            do throws(Problem) {
                try await fabric.remove(network: network.path)
            } catch {
                return Refusal(error.code, reason: error.shown)
            }
        }
        return nil
    }

    /// Whether removing this one takes more than forgetting it.
    func takesTime(toRemove resource: Resource) -> Bool {
        let kind = self.catalogue.kind(at: resource.path)
        return resource.hasSystemIdentity || resource.making != nil || kind?.isInstalled(resource) == true
            || self.isMadeNetwork(resource, self.hooks.fabric)
    }

    private func isMadeNetwork(_ resource: Resource, _ fabric: any Fabric) -> Bool {
        resource.path.isOf(type: ResourceKind.virtualNetwork.type) && !self.settings.isDeclared(resource.path)
            && fabric.has(network: resource.path)
    }

    // MARK: Following changes

    /// Tells the fabric about changes of networks, addresses and rules. A machine that cannot follow says so.
    func follow(_ touched: [Resource]) async {
        let fabric = self.hooks.fabric
        guard !fabric.images.isEmpty else { return }
        let snapshot = self.current
        let relevant = touched.filter { Self.concernsPackets($0.type) }
        let networks = Set(relevant.compactMap { Self.network(above: $0.path) })
        for path in networks.sorted(by: { $0.key < $1.key }) {
            guard let network = snapshot[path], self.isMadeNetwork(network, fabric) else { continue }
            do throws(Problem) {
                try await fabric.put(snapshot.order(for: network))
            } catch {
                await self.noteFailure(of: path, error)
            }
        }
        let machines = snapshot.machines(behind: relevant).filter { machine in
            machine.making?.isMade == true && machine.making?.power == .running && !machine.isBusy
                && self.fitted[machine.path] != snapshot.places(of: machine)
        }
        await withTaskGroup(of: Void.self) { group in
            for machine in machines {
                group.addTask {
                    do throws(Problem) {
                        try await self.fit(machine.path)
                    } catch {
                        await self.noteFailure(of: machine.path, error)
                    }
                }
            }
        }
    }

    fileprivate static func concernsPackets(_ type: String) -> Bool {
        type.hasPrefix("Microsoft.Network/") || type == ResourceKind.scaleSetInterfaceType
    }

    private static func network(above path: ResourcePath) -> ResourcePath? {
        if path.isOf(type: ResourceKind.virtualNetwork.type) { return path }
        guard path.isOf(type: ResourceKind.subnetType) else { return nil }
        return path.parent
    }

    private func noteFailure(of path: ResourcePath, _ problem: Problem) async {
        // What went wrong stands at the resource; whether that could be written down changes nothing for the caller.
        _ = try? await self.perform(by: .system, "resource.write", path) { plan throws(Problem) in
            guard var resource = plan[path], !resource.isBusy else { return }
            resource.provisioningState = "Failed"
            resource.failure = Refusal(problem.code, reason: problem.shown)
            plan.store(resource, as: "resource.changeFailed")
        }
    }
}

extension Snapshot {
    /// The machines whose packets a change of these resources may concern.
    fileprivate func machines(behind resources: [Resource]) -> [Resource] {
        var found: [String: Resource] = [:]
        var seen: Set<String> = []
        var waiting = resources.flatMap { resource -> [ResourcePath] in
            let path = resource.path
            if path.isOf(type: ResourceKind.scaleSetInterfaceType) { return [path] }
            if path.isOf(type: ResourceKind.virtualNetwork.type)
                || path.isOf(type: ResourceKind.virtualNetworkPeering.type)
            {
                let network = path.isOf(type: ResourceKind.virtualNetwork.type) ? path : path.parent ?? path
                return self.list(type: ResourceKind.subnetType, below: network).map(\.path)
            }
            // A rule is a child of the group that others refer to.
            return [path] + (path.parent.map { [$0] } ?? [])
        }
        while let path = waiting.popLast() {
            guard seen.insert(path.key).inserted else { continue }
            for key in self.referrers(of: path) {
                guard let referrer = self[key: key] else { continue }
                if referrer.isMachine {
                    found[key] = referrer
                } else if Resources.concernsPackets(referrer.type) {
                    waiting.append(referrer.path)
                }
            }
        }
        return found.values.sorted { $0.path.key < $1.path.key }
    }
}

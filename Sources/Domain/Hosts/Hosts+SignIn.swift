import AgentWire
public import Vocabulary

extension Hosts {
    /// Switches signing in on for a machine and waits until it says that it works, or why it does not.
    ///
    /// The wish stays when the machine is not there: it is told when it connects.
    public func enableSignIn(_ machine: ResourcePath) async -> Verdict<Void> {
        guard let known = self.registry.machines.machine(machine) else { return .refused(.machineGone(machine)) }
        let windows = self.registry.host(for: machine).map(\.report).flatMap { WindowsRelease($0) }
        guard known.identity != nil else {
            return .refused(
                windows == nil ? .identityNeeded(machine) : .windowsFailure(1007) ?? .identityNeeded(machine)
            )
        }
        if let windows, let refusal = self.refusal(of: windows, on: machine) { return .refused(refusal) }
        let verdict = await self.switchSignIn(machine, to: true)
        guard case .allowed(let status) = verdict else {
            if case .refused(let refusal) = verdict { return .refused(refusal) }
            return .refused(.extensionTimeout(machine))
        }
        guard status.loginState == .enabled else {
            let words = windows == nil ? nil : Refusal.windowsFailure(status.exitCode)
            return .refused(words ?? .extensionFailed(status.exitCode, status.message))
        }
        return .allowed(())
    }

    /// What is against signing in to a Windows machine before it is asked itself: its age, and a name that another one bears.
    private func refusal(of windows: WindowsRelease, on machine: ResourcePath) -> Refusal? {
        guard windows.runsExtension else { return .windowsUnsupported }
        guard let name = self.registry.host(for: machine)?.report.hostname else { return nil }
        let other = self.registry.hosts(named: name).first { host in
            host.machine != machine && WindowsRelease(host.report) != nil
                && self.registry.isSignInWanted(on: host.machine)
        }
        return other.map { .windowsDuplicate(name, $0.machine) }
    }

    /// Switches signing in off for a machine; sessions end. A machine that is not there learns it when it connects.
    public func disableSignIn(_ machine: ResourcePath) async -> Verdict<Void> {
        switch await self.switchSignIn(machine, to: false) {
        case .allowed: return .allowed(())
        case .refused(let refusal) where refusal.code == "VMAgentStatusCommunicationError": return .allowed(())
        case .refused(let refusal): return .refused(refusal)
        }
    }

    private func switchSignIn(_ machine: ResourcePath, to isWanted: Bool) async -> Verdict<HostStatus> {
        do {
            try await self.registry.setSignIn(on: machine, isWanted)
            self.review.note(machine: machine)
            guard let host = self.registry.host(for: machine) else {
                return .refused(.notConnected(machine, hasJoined: false))
            }
            if isWanted { await self.awaitArrival(of: host.id) }
            guard let (waiter, statuses) = self.update(host.id, { $0.newStatuses() }) else {
                return .refused(.notConnected(machine, hasJoined: true))
            }
            defer { _ = self.update(host.id) { $0.stop(waiter: waiter) } }
            if let status = self.live(host.id)?.status, status.loginState == (isWanted ? .enabled : .disabled) {
                try await self.pushConfiguration(to: host.id)
                return .allowed(status)
            }
            try await self.pushConfiguration(to: host.id)
            let deadline = self.settings.extensionDeadline
            let status = await Self.first(of: statuses, within: deadline) { status in
                isWanted ? status.loginState != .disabled : status.loginState == .disabled
            }
            guard let status else { return .refused(.extensionTimeout(machine)) }
            return .allowed(status)
        } catch {
            return .refused(
                Refusal("InternalServerError", reason: "The change could not be stored.", remedy: "Try again.")
            )
        }
    }

    // A machine that has just been made or started is about to connect.
    private func awaitArrival(of id: GUID) async {
        let end = ContinuousClock.now + self.settings.arrivalWait
        while self.live(id) == nil, ContinuousClock.now < end, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    /// The first fitting status that comes in time.
    private static func first(
        of statuses: AsyncStream<HostStatus>,
        within deadline: Duration,
        where fits: @escaping @Sendable (HostStatus) -> Bool
    ) async -> HostStatus? {
        await withTaskGroup(of: HostStatus?.self) { group in
            group.addTask { await statuses.first(where: fits) }
            group.addTask {
                try? await Task.sleep(for: deadline)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    /// What a machine's agent says, in the shape of a virtual machine's instance view; nil when it never joined.
    ///
    /// Source: Azure Compute REST, "Virtual Machines - Instance View".
    public func instanceView(_ machine: ResourcePath) -> JSONValue? {
        guard let host = self.registry.host(for: machine) else { return nil }
        let live = self.live(host.id)
        let report = live?.status.map { HostReport($0) } ?? host.report
        let time = JSONValue.string((live == nil ? host.lastSeen : self.clock.now).description)
        let agent: JSONValue = [
            "code": live == nil ? "ProvisioningState/Unavailable" : "ProvisioningState/succeeded",
            "level": live == nil ? "Warning" : "Info",
            "displayStatus": live == nil ? "Not Ready" : "Ready",
            "message": live == nil
                ? "The agent is not connected." : "The agent is connected and takes part in decisions.",
            "time": time,
        ]
        var view: JSONValue = [
            "computerName": .string(report.hostname),
            "osName": .string(report.osName),
            "osVersion": .string(report.osVersion),
            "vmAgent": [
                "vmAgentVersion": .string(live == nil ? "Unknown" : report.agentVersion),
                "statuses": [agent],
            ],
        ]
        var statuses: [JSONValue] = [
            [
                "code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded",
                "time": time,
            ]
        ]
        if live != nil {
            statuses.append(["code": "PowerState/running", "level": "Info", "displayStatus": "VM running"])
        }
        if let windows = WindowsRelease(report) { statuses.append(windows.status) }
        view["statuses"] = .array(statuses)
        return view
    }
}

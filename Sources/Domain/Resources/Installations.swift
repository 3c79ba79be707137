import AccessControl
public import Vocabulary

/// The part of a change that happens on a machine: turning sign-in on and off.
extension Resources {
    /// Carries out what was declared for a machine before it joined. Called when it has joined or is connected again.
    public func machineIsReady(_ machine: ResourcePath) {
        self.joins.arrived(machine)
        for installed in self.list(type: nil, below: machine)
        where installed.isExtension
            && self.awaitsWork(installed) && !self.operations.isRunning(on: installed.path)
        {
            _ = self.startWork(on: installed, by: .system)
        }
    }

    /// Begins an installation that a PUT asked for; declared ones wait until the machine has joined.
    func beginInstallation(of resource: Resource, old: Resource?, by author: ChangeAuthor) -> ResourceOperation? {
        guard self.awaitsWork(resource), old?.etag != resource.etag else { return nil }
        if author.isSystem, resource.isExtension, let machine = resource.path.parent,
            self.hooks.instanceView(machine) == nil
        {
            return nil
        }
        return self.startWork(on: resource, by: author)
    }

    /// Takes up what a restart interrupted, and what was declared for machines that are there. Called when everything that resources need
    /// is connected.
    public func resume() {
        for resource in self.list(below: .root) where !self.operations.isRunning(on: resource.path) {
            let path = resource.path
            if resource.provisioningState == "Deleting" {
                _ = self.begin(.delete, on: resource, by: .system) { await self.finishRemoval(of: path, by: .system) }
            } else if self.awaitsWork(resource) {
                if resource.isExtension, let machine = path.parent, self.hooks.instanceView(machine) == nil { continue }
                _ = self.startWork(on: resource, by: .system)
            }
        }
    }

    func begin(
        _ purpose: ResourceOperation.Purpose,
        on resource: Resource,
        by author: ChangeAuthor,
        product: OperationProduct? = nil,
        work: @escaping @Sendable () async -> Problem?
    ) -> ResourceOperation {
        let location = resource.location ?? self.settings.locations.first?.name ?? "local"
        return self.operations.begin(
            purpose,
            on: resource,
            owner: author.subject?.id,
            location: location,
            product: product,
            work: work
        )
    }

    private func startWork(on resource: Resource, by author: ChangeAuthor) -> ResourceOperation {
        let path = resource.path
        let kind = self.catalogue.kind(at: path)
        return self.begin(.write, on: resource, by: author) {
            await self.conclude(path, await kind?.carryOut(self, path) ?? .allowed(()))
        }
    }

    private func awaitsWork(_ resource: Resource) -> Bool {
        ["Creating", "Updating"].contains(resource.provisioningState)
            && self.catalogue.kind(at: resource.path)?.isInstalled(resource) == true
    }

    func install(_ path: ResourcePath) async -> Verdict<Void> {
        guard let installed = self.resource(path), let machine = path.parent.flatMap({ self.resource($0) }) else {
            return .refused(Refusal("ResourceNotFound", reason: "The extension is not there any more."))
        }
        if installed.handler == .accessForLinux, machine.osType == "Linux" {
            return await self.changeAccess(installed, on: machine)
        }
        guard let handler = installed.handler, handler.fits(machine.osType) else {
            return .refused(
                Refusal(
                    "ExitCode51",
                    reason:
                        "Non-zero exit code: 51. \(installed.handler?.rawValue ?? "The extension") is not supported "
                        + "on '\(machine.name)', which runs \(machine.osType).",
                    remedy: "Install AADSSHLoginForLinux on Linux machines, AADLoginForWindows on Windows machines."
                )
            )
        }
        guard self.hasIdentity(machine) else {
            if handler == .signInForWindows {
                return .refused(
                    Refusal(
                        "ExitCode-2145648574",
                        reason: "Terminal error code: 1007, exit code: -2145648574 (DSREG_E_MSI_TENANTID_UNAVAILABLE). "
                            + "'\(machine.name)' has no system-assigned managed identity, so its tenant cannot be found out.",
                        remedy:
                            "Delete the failed extension, turn the identity on (az vm identity assign), and install the "
                            + "extension again."
                    )
                )
            }
            return .refused(
                Refusal(
                    "ExitCode22",
                    reason: "Non-zero exit code: 22. '\(machine.name)' has no system-assigned managed identity, so it "
                        + "cannot ask who may sign in.",
                    remedy:
                        "Delete the failed extension, turn the identity on (az vm identity assign), and install the "
                        + "extension again."
                )
            )
        }
        let others = self.list(type: nil, below: machine.path).filter(\.isExtension)
        if let old = others.first(where: { $0.handler == .oldSignInForLinux }) {
            return .refused(
                Refusal(
                    "ExitCode23",
                    reason: "Non-zero exit code: 23. The older extension AADLoginForLinux ('\(old.name)') is still "
                        + "installed on '\(machine.name)'.",
                    remedy: "Delete it (az vm extension delete -n \(old.name)), then install AADSSHLoginForLinux again."
                )
            )
        }
        return await self.hooks.signIn.enable(machine.path)
    }

    /// Whether a machine can prove who it is: by its own identity, or by that of the scale set it belongs to.
    private func hasIdentity(_ machine: Resource) -> Bool {
        if machine.hasSystemIdentity { return true }
        guard machine.path.isOf(type: ResourceKind.scaleSetInstanceType), let set = machine.path.parent else {
            return false
        }
        return self.resource(set)?.hasSystemIdentity == true
    }

    /// Writes down how an installation ended. Returns the problem that its operation shows.
    func conclude(_ path: ResourcePath, _ verdict: Verdict<Void>) async -> Problem? {
        let failure: Refusal? = if case .refused(let refusal) = verdict { refusal } else { nil }
        let isInstallation = self.resource(path)?.isExtension == true
        let problem = failure.map { failure in
            isInstallation ? self.provisioningError(failure, of: path) : Problem(failure.code, shown: failure.sentence)
        }
        // What the end of the program cut off is taken up when it starts again.
        if problem != nil, self.operations.isClosed { return problem }
        do {
            try await self.perform(by: .system, "resource.write", path) { plan throws(Problem) in
                guard var resource = plan[path], resource.provisioningState != "Deleting" else { return }
                resource.provisioningState = failure == nil ? "Succeeded" : "Failed"
                resource.failure = failure
                if failure == nil { resource.making?.isMade = true }
                let words = isInstallation ? ("installed", "installFailed") : ("ready", "makingFailed")
                plan.store(resource, as: "resource.\(failure == nil ? words.0 : words.1)")
            }
        } catch {
            return problem ?? error
        }
        return problem
    }

    private func provisioningError(_ refusal: Refusal, of path: ResourcePath) -> Problem {
        let handler = self.resource(path)?.handler
        return Problem(
            refusal.code.hasPrefix("VM") ? refusal.code : "VMExtensionProvisioningError",
            shown: "VM '\(path.parent?.name ?? "")' has reported a failure when processing extension '\(path.name)' "
                + "(publisher '\(handler?.publisher ?? "unknown")'). Error message: '\(refusal.reason)' \(refusal.remedy)"
        )
    }

    // The one for Windows never did anything on Linux: taking it away must not switch off what the other one does.
    private func couldWork(_ installed: Resource) -> Bool {
        let isForWindows = installed.handler == .signInForWindows
        let machine = installed.path.parent.flatMap { self.resource($0) }
        return isForWindows == (machine?.osType == "Windows")
    }

    /// Undoes on the machine what has to be undone, then removes the resource. Returns what went wrong.
    func finishRemoval(of path: ResourcePath, by author: ChangeAuthor) async -> Problem? {
        await self.operations.interrupt(at: path)
        // A machine that goes with its disk needs no tidying up.
        let machines = self.list(type: nil, below: path)
            .filter { $0.isExtension && $0.handler?.isSignIn == true && self.couldWork($0) }
            .compactMap(\.path.parent)
            .filter { !path.contains($0) || self.resource($0)?.making == nil }
        for machine in Set(machines).sorted(by: { $0.key < $1.key }) {
            let verdict = await self.hooks.signIn.disable(machine)
            // A machine that goes as a whole cannot refuse: decisions about it end with it.
            if case .refused(let refusal) = verdict, self.resource(path)?.isExtension == true {
                return await self.abandonRemoval(of: path, refusal)
            }
        }
        if let refusal = await self.unmake(at: path) { return await self.abandonRemoval(of: path, refusal) }
        do {
            try await self.perform(by: author, "resource.delete", path) { plan throws(Problem) in
                _ = try plan.remove(path, isAuthorized: true)
            }
            return nil
        } catch {
            return await self.abandonRemoval(of: path, Refusal(error.code, reason: error.shown)) ?? error
        }
    }

    private func abandonRemoval(of path: ResourcePath, _ refusal: Refusal) async -> Problem? {
        do {
            try await self.perform(by: .system, "resource.write", path) { plan throws(Problem) in
                guard var resource = plan[path] else { return }
                resource.provisioningState = "Failed"
                resource.failure = refusal
                plan.store(resource, as: "resource.deleteFailed")
            }
        } catch {
            return error
        }
        return Problem(refusal.code, shown: refusal.sentence)
    }
}

extension Resource {
    /// Whether this is something that is installed on the machine above it.
    var isExtension: Bool {
        self.path.isOf(type: ResourceKind.virtualMachineExtension.type)
            || self.path.isOf(type: ResourceKind.scaleSetExtensionType)
            || self.path.isOf(type: ResourceKind.arcExtensionType)
    }
}

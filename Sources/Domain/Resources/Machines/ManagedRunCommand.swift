import Audit
import Synchronization
import Vocabulary

extension ResourceKind {
    static let runCommandType = "Microsoft.Compute/virtualMachines/runCommands"

    /// Scripts that are kept beside a machine: making or changing one runs it. Source: Azure virtual machines REST, "Virtual Machine Run
    /// Commands".
    static let managedRunCommand: ResourceKind = {
        var kind = ResourceKind(
            runCommandType,
            properties: [
                "source": Member(
                    .object([
                        "script": Member(.text(256 * 1024)), "commandId": Member(.text(64)),
                        "scriptUri": Member(.text(2048)),
                    ]),
                    .required
                ),
                "parameters": Member(.list(.object(["name": Member(.text(128)), "value": Member(.text(32_768))]))),
                "protectedParameters": Member(.anything, .writeOnly),
                "runAsUser": Member(.text(64)),
                "runAsPassword": Member(.anything, .writeOnly),
                "outputBlobUri": Member(.text(2048)),
                "errorBlobUri": Member(.text(2048)),
                "asyncExecution": Member(.flag, initial: false),
                "treatFailureAsDeploymentFailure": Member(.flag, initial: false),
                "timeoutInSeconds": Member(.number(0...5400)),
                "instanceView": Member(.anything, .readOnly),
            ]
        )
        kind.patching = .everything
        kind.takesTime = true
        kind.isInstalled = { _ in true }
        kind.carryOut = { resources, path in await resources.runManagedCommand(path) }
        kind.inspect = { body, command, _ throws(Problem) in
            _ = try RunCommand(managed: command.properties, protected: body.member("properties"))
            for (name, instead) in unsupported where command.properties[name]?.string?.isEmpty == false {
                throw Problem("OperationNotAllowed", shown: "'\(name)' is not offered: \(instead)")
            }
        }
        kind.complete = { command, previous, plan throws(Problem) in
            guard !plan.author.isSystem else { return }
            if let previous {
                if previous.isBusy { throw .busy(previous) }
                // Sent again it is run again; tags by themselves are no reason to.
                guard previous.properties != command.properties || previous.tags == command.tags else {
                    command.provisioningState = previous.provisioningState
                    command.failure = previous.failure
                    return
                }
            }
            try command.path.parent.flatMap { plan[$0] }?.checkRunsScripts()
            command.properties["instanceView"] = ["executionState": "Pending"]
            command.provisioningState = previous == nil ? "Creating" : "Updating"
        }
        kind.show = { document, _, _, _ in
            // Clients that want it ask for it: `$expand=instanceView`.
            document["properties"]?["instanceView"] = nil
        }
        return kind
    }()

    /// The same on a machine of a scale set.
    static let scaleSetRunCommand = managedRunCommand.called(scaleSetInstanceType + "/runCommands")

    private static let unsupported = [
        ("runAsUser", "scripts run as root. Use 'runuser -u' in the script."),
        ("outputBlobUri", "there is no storage of blobs here. The end of the output is in the instance view."),
        ("errorBlobUri", "there is no storage of blobs here. The end of the output is in the instance view."),
    ]
}

extension RunCommand {
    /// Reads the script that a resource keeps; `protected` is the `properties` of the request, with what nobody keeps.
    init(managed properties: JSONValue, protected: JSONValue?) throws(Problem) {
        let source = properties["source"] ?? [:]
        if source["scriptUri"]?.string?.isEmpty == false {
            throw Problem(
                "OperationNotAllowed",
                shown: "Scripts are not fetched from elsewhere: give the text itself (--script @file)."
            )
        }
        if let id = source["commandId"]?.string, !id.isEmpty { try Self.checkCommand(id) }
        try self.init(
            source["script"]?.string ?? "",
            [properties["parameters"], protected?.member("protectedParameters")],
            at: "properties.source.script"
        )
    }
}

/// A kept script that somebody asked to be run, until it is.
struct AskedCommand: Sendable {
    let command: RunCommand
    let author: ChangeAuthor
}

/// Those that wait. In memory only: after a restart nobody knows how far a script came, so it is not begun again.
final class PendingCommands: Sendable {
    private let known = Mutex<[String: AskedCommand]>([:])

    /// Keeps one for the time of the operation.
    func keep(_ asked: AskedCommand, for path: ResourcePath) {
        self.known.withLock { $0[path.key] = asked }
    }

    /// Takes it out.
    func take(for path: ResourcePath) -> AskedCommand? {
        self.known.withLock { $0.removeValue(forKey: path.key) }
    }
}

extension Resource {
    /// Whether this is a script that is kept beside a machine.
    var isManagedRunCommand: Bool {
        self.path.isOf(type: ResourceKind.runCommandType) || self.path.isOf(type: ResourceKind.scaleSetRunCommand.type)
    }
}

extension Resources {
    /// Runs a kept script and writes down how that went. Returns why it could not be run, or, where its author wants that, that it failed.
    func runManagedCommand(_ path: ResourcePath) async -> Verdict<Void> {
        guard let asked = self.pendingCommands.take(for: path), let resource = self.resource(path),
            let machine = path.parent.flatMap({ self.resource($0) })
        else {
            return .refused(
                Refusal(
                    "ProvisioningInterrupted",
                    reason: "The server stopped before the script had ended. What it began may have been done.",
                    remedy: "See on the machine how far it came, and run the command again."
                )
            )
        }
        do throws(Problem) {
            // Before it runs: what cannot be written down is not done.
            try await self.note("machine.runCommand", on: machine, asked.command.traces, by: asked.author)
        } catch {
            return .refused(Refusal(error.code, reason: error.shown))
        }
        guard resource.properties["asyncExecution"]?.bool == true else {
            return await self.run(asked, on: machine, as: resource)
        }
        _ = self.begin(.action, on: resource, by: asked.author) {
            _ = await self.run(asked, on: machine, as: resource)
            return nil
        }
        return .allowed(())
    }

    private func run(_ asked: AskedCommand, on machine: Resource, as resource: Resource) async -> Verdict<Void> {
        let begin = self.clock.now
        await self.write(["executionState": "Running", "startTime": .string(begin.description)], of: resource.path)
        let task = MachineTask.script(
            asked.command.script,
            parameters: asked.command.parameters,
            seconds: resource.properties["timeoutInSeconds"]?.integer.flatMap { $0 > 0 ? Int($0) : nil }
        )
        let verdict = await self.hooks.perform(task, machine.path)
        var view: JSONValue = [
            "executionState": "Failed", "startTime": .string(begin.description),
            "endTime": .string(self.clock.now.description),
        ]
        var failure: Refusal?
        switch verdict {
        case .refused(let refusal):
            view["executionMessage"] = .string(refusal.sentence)
            failure = refusal
        case .allowed(let result):
            view["exitCode"] = .integer(Int64(result.exitCode))
            view["output"] = .string(result.output)
            view["error"] = .string(result.errors)
            if result.exitCode == 0 {
                view["executionState"] = "Succeeded"
            } else {
                view["executionMessage"] = .string(
                    "Execution failed: command terminated with exit status=\(result.exitCode)"
                )
                if resource.properties["treatFailureAsDeploymentFailure"]?.bool == true {
                    failure = Refusal(
                        "VMExtensionProvisioningError",
                        reason: "The script of '\(resource.name)' ended with exit status \(result.exitCode).",
                        remedy: "See its output: az vm run-command show --instance-view."
                    )
                }
            }
            // The script has run: that its end could not be written down changes nothing for who asked.
            try? await self.note(
                "machine.runCommandEnd",
                on: machine,
                ["command": RunCommandCatalogue.shell, "exitCode": "\(result.exitCode)"],
                by: asked.author
            )
        }
        await self.write(view, of: resource.path)
        return failure.map { .refused($0) } ?? .allowed(())
    }

    // How a script went is no change of what somebody wanted: when it cannot be stored the run itself goes on.
    private func write(_ view: JSONValue, of path: ResourcePath) async {
        try? await self.perform(by: .system, "resource.write", path) { plan throws(Problem) in
            guard var resource = plan[path] else { return }
            resource.properties["instanceView"] = view
            plan.store(resource, as: "resource.reported")
        }
    }
}

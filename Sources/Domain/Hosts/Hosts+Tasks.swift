public import AccessControl
import AgentWire
public import Resources
public import Vocabulary

extension Hosts {
    /// How much later than the host itself the server gives up.
    private static let grace: Duration = .seconds(15)

    /// Has a machine's agent do something and waits until it is done, the agent is gone or the time is over.
    public func perform(_ task: MachineTask, on machine: ResourcePath) async -> Verdict<MachineTaskResult> {
        guard let host = self.registry.host(for: machine),
            let (waiter, statuses) = self.update(host.id, { $0.newStatuses() })
        else { return .refused(.taskImpossible(machine)) }
        defer { _ = self.update(host.id) { $0.stop(waiter: waiter) } }
        let order = HostTask(task, seconds: task.deadline)
        guard let results = self.tasks.begin(order.id, on: host.id) else {
            return .refused(
                Refusal(
                    "Conflict",
                    reason: "'\(machine.name)' is still busy with an earlier command.",
                    remedy: "Try again when that has ended."
                )
            )
        }
        defer { self.tasks.forget(order.id) }
        self.send(.task(order), to: host.id)
        let deadline: Duration = .seconds(order.seconds) + Self.grace
        let result = await withTaskGroup(of: HostTaskResult?.self) { group in
            group.addTask { await results.first { _ in true } }
            group.addTask {
                // Ends with the connection.
                for await _ in statuses {}
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: deadline)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        guard let result else { return .refused(.taskLost(machine)) }
        guard result.isDone else {
            return .refused(Refusal("OperationNotAllowed", reason: PrintableText.of(result.output), remedy: ""))
        }
        let outcome = MachineTaskResult(
            exitCode: result.exitCode,
            output: Self.shown(result.output),
            errors: Self.shown(result.errors)
        )
        return .allowed(outcome)
    }

    // A host may send what it likes: no more than was agreed is taken.
    private static func shown(_ text: String) -> String {
        String(decoding: text.utf8.suffix(HostTaskResult.longestOutput + 64), as: UTF8.self)
    }
}

extension MachineTask {
    /// How long it may take, in seconds: ten minutes for a script unless somebody says otherwise.
    fileprivate var deadline: Int { if case .script(_, _, let seconds) = self { seconds ?? 600 } else { 60 } }
}

extension HostTask {
    fileprivate init(_ task: MachineTask, seconds: Int) {
        let id = GUID(from: .system)
        switch task {
        case .script(let text, let parameters, _):
            self.init(id: id, work: .script, seconds: seconds)
            self.script = text
            self.parameters = parameters.map { Parameter(name: $0.name, value: $0.value) }
        case .setUser(let name, let password, let publicKey):
            self.init(id: id, work: .setUser, seconds: seconds)
            self.user = name
            self.password = password?.withValue { $0 }
            self.publicKey = publicKey
        case .removeUser(let name):
            self.init(id: id, work: .removeUser, seconds: seconds)
            self.user = name
        case .resetSSH:
            self.init(id: id, work: .resetSSH, seconds: seconds)
        }
    }
}

extension Refusal {
    fileprivate static func taskImpossible(_ machine: ResourcePath) -> Refusal {
        Refusal(
            "VMAgentStatusCommunicationError",
            reason: "The agent of '\(machine.name)' is not connected, so nothing can be done there.",
            remedy: "Start the machine, or see on it what 'sally-agent doctor' says."
        )
    }

    fileprivate static func taskLost(_ machine: ResourcePath) -> Refusal {
        Refusal(
            "VMAgentStatusCommunicationError",
            reason:
                "'\(machine.name)' gave no answer in time, or its connection was lost meanwhile. What was begun may have "
                + "been done.",
            remedy: "See on the machine how far it came."
        )
    }
}

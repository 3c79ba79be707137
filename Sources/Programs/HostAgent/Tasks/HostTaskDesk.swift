import AgentWire
import Logging
import NIOPosix
import Synchronization
import Vocabulary

/// Does what the server gives this host to do, one piece after the other, on a thread where blocking harms nobody.
struct HostTaskDesk: Sendable {
    /// How many may wait; the server gives one at a time.
    private static let mostWaiting = 4

    private let tasks: AsyncStream<HostTask>
    private let waiting: AsyncStream<HostTask>.Continuation
    private let accounts: LocalAccountChange
    private let sshd: SSHDReset
    private let scripts: String
    private let log: Logger

    init(_ configuration: AgentConfiguration, layout: HostLayout, log: Logger) {
        (self.tasks, self.waiting) = AsyncStream.makeStream(
            of: HostTask.self,
            bufferingPolicy: .bufferingOldest(Self.mostWaiting)
        )
        self.accounts = LocalAccountChange(layout: layout)
        self.sshd = SSHDReset(configuration: configuration, layout: layout)
        self.scripts = layout.privateDirectory + "/tasks"
        self.log = log
    }

    /// Takes a piece of work.
    func take(_ task: HostTask) {
        self.waiting.yield(task)
    }

    /// Works until the task is cancelled; signing in is set up again after sshd's configuration was put back.
    func run(_ login: LoginSetup, _ told: ToldConfiguration, report: @Sendable (HostTaskResult) async -> Void) async {
        for await task in self.tasks {
            // Who asked for it and why stands in the server's audit; here stands that it happened.
            self.log.notice("task begins", metadata: ["task": "\(task)"])
            let result = await self.perform(task)
            if task.work == .resetSSH, result.isDone, let told = told.value { await login.apply(told) }
            self.log.notice("task ended", metadata: ["task": "\(task)", "exit": "\(result.exitCode)"])
            await report(result)
        }
    }

    private func perform(_ task: HostTask) async -> HostTaskResult {
        let stop = StopFlag()
        do {
            return try await withTaskCancellationHandler {
                try await NIOThreadPool.singleton.runIfActive { try self.carryOut(task, stop) }
            } onCancel: {
                stop.set()
            }
        } catch {
            return HostTaskResult(id: task.id, isDone: false, exitCode: 1, output: PrintableText.of("\(error)"))
        }
    }

    private func carryOut(_ task: HostTask, _ stop: StopFlag) throws -> HostTaskResult {
        switch task.work {
        case .script:
            let run = ScriptRun(task.script ?? "", parameters: task.parameters ?? [], directory: self.scripts)
            let outcome = try run.run(seconds: task.seconds, stop)
            return HostTaskResult(
                id: task.id,
                isDone: true,
                exitCode: Int(outcome.status),
                output: outcome.output,
                errors: outcome.errors
            )
        case .setUser: try self.accounts.set(task.user ?? "", password: task.password, publicKey: task.publicKey)
        case .removeUser: try self.accounts.remove(task.user ?? "")
        case .resetSSH: try self.sshd.reset()
        }
        return HostTaskResult(id: task.id, isDone: true)
    }
}

/// Says to a thread that works that it shall stop.
final class StopFlag: Sendable {
    private let flag = Atomic(false)

    /// Whether it shall.
    var isSet: Bool { self.flag.load(ordering: .relaxed) }

    /// Says so.
    func set() {
        self.flag.store(true, ordering: .relaxed)
    }
}

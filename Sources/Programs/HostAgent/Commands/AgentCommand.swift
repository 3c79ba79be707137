public import ArgumentParser
import Logging

/// The command `sally-agent`.
public struct AgentCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "sally-agent",
        abstract:
            "Lets people of your directory sign in to this machine, and ends their sessions when they may no longer.",
        version: Agent.version,
        subcommands: [
            JoinCommand.self, RunCommand.self, StatusCommand.self, DoctorCommand.self, LeaveCommand.self,
            VersionCommand.self, ReapCommand.self,
        ]
    )

    public init() {}
}

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(help: "Work below this directory instead of /, for images and tests.")
    var root = ""

    var layout: HostLayout { HostLayout(root: self.root.hasSuffix("/") ? String(self.root.dropLast()) : self.root) }
}

/// A failure as a person reads it, and the exit status that belongs to it.
struct CommandFailure: Error, CustomStringConvertible {
    let error: HostAgentError

    var description: String { "\(self.error)" }

    init(_ error: HostAgentError) {
        self.error = error
    }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Shows the version.")

    func run() {
        print(Agent.version)
    }
}

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs the agent until SIGTERM.",
        discussion: "The service manager starts this; it logs to standard error."
    )

    @OptionGroup var common: CommonOptions
    @Option(help: "The least important messages to log: debug, info, notice, warning or error.")
    var logLevel = "info"

    func run() async throws {
        guard let level = Logger.Level(rawValue: self.logLevel) else {
            throw ValidationError("\(self.logLevel) is no log level")
        }
        LoggingSystem.bootstrap { _ in StandardErrorLog(logLevel: level) }
        do throws(HostAgentError) {
            let log = Logger(label: "sally-agent")
            // Says that nobody joined, where that is so; what the agent starts from is read under the lock.
            _ = try AgentConfiguration.load(self.common.layout)
            let lock = try await AgentLock.take(self.common.layout)
            try await Agent(layout: self.common.layout, log: log).run()
            lock.release()
        } catch {
            throw CommandFailure(error)
        }
    }
}

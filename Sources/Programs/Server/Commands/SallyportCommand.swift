public import ArgumentParser
import FoundationEssentials
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
import Identity
import SQLiteStorage
import Vocabulary

/// The server program.
public struct SallyportCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "sallyport",
        abstract: "The Sallyport server: sign-in, resources, SSH certificates and the bastion, on one port.",
        version: "0.1.0",
        subcommands: [
            ServeCommand.self, ApplyCommand.self, HostCommands.self, AuditCommands.self, KeyCommands.self,
            BackupCommand.self, FabricCommand.self, MachineCommand.self,
        ]
    )

    /// Made by the parser.
    public init() {}

    /// Runs the program to its end: exit status 0, 1 for a failure, 64 for wrong words.
    public static func start() async {
        do {
            var command = try Self.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let problem as Problem {
            Self.complain(problem.shown)
            Self.exit(withError: ExitCode(1))
        } catch {
            Self.exit(withError: error)
        }
    }

    /// Prints a line on standard error.
    static func complain(_ text: String) {
        var line = "sallyport: \(text)\n"
        line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
    }
}

/// The option that every operator command has.
struct DataOption: ParsableArguments {
    @Option(help: ArgumentHelp(Setting.data.help))
    var data: String?

    /// Has a running server perform the command, or performs it here when none runs.
    func perform(_ command: ControlCommand, tenant: Tenant? = nil) async throws {
        let configuration = try ServerConfiguration(
            flags: self.data.map { [.data: $0] } ?? [:],
            environment: ProcessInfo.processInfo.environment,
            file: [:]
        )
        let answer: ControlAnswer
        if let running = try await ControlSocket.send(command, in: configuration.dataDirectory) {
            answer = running
        } else {
            let data = try DataDirectory(configuration.dataDirectory)
            let isFresh = !data.holdsStore
            let house = try await House(configuration, in: data, tenant: tenant)
            answer = await ControlDesk(house: house).perform(command)
            try house.database.close()
            // A first file that does not fit must not settle whose tenant this is.
            if isFresh, answer.problem != nil { data.removeStore() }
        }
        answer.lines.forEach { print($0) }
        if let problem = answer.problem {
            SallyportCommand.complain(problem)
            throw ExitCode(1)
        }
    }
}

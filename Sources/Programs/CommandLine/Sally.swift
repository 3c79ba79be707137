public import ArgumentParser
import Client
import NIOCore
import Vocabulary

/// The command line: the same nouns, verbs and flags as `az`, for every machine behind a Sallyport server.
public struct Sally: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "sally",
        abstract: "Reach machines by your organisation's identity.",
        discussion: """
            Sign in once, then reach any machine you have a role on:
              sally login --url https://bastion.example
              sally ssh vm -n myVM -g demo
            Environment: SALLYPORT_URL and SALLYPORT_CA name the server and the CA file that 'sally login' uses when it \
            is told none; SALLY_CONFIG_DIR is where the sign-in is kept (default: ~/.sally).
            """,
        version: Version.current,
        subcommands: [
            Login.self, Logout.self, AccountCommands.self, MachineCommands.self, SSHCommands.self,
            DesktopFileCommands.self, NetworkCommands.self, RoleCommands.self, SessionCommands.self, AzureCommands.self,
            Why.self, Doctor.self,
        ]
    )

    /// Made by the parser.
    public init() {}

    /// Runs the program to its end: exit status 0, 1 for a refusal or failure, 64 for wrong words.
    public static func start() async {
        // What scripts ask before anything else: without the tree of all commands, which takes the parser longer than the rest of the start.
        if Swift.CommandLine.arguments.dropFirst() == ["--version"] { return print(Version.current) }
        // One loop: both halves of a tunnel then call each other without locks.
        NIOSingletons.groupLoopCountSuggestion = 1
        do {
            // One dash and two letters is what people write who read it so somewhere; the parser would speak of an option '-i'.
            if let word = Swift.CommandLine.arguments.prefix(while: { $0 != "--" }).first(where: { $0.hasPrefix("-ip") }
            ) {
                throw Problem(
                    "UnknownOption",
                    shown: "'\(PrintableText.of(word))' is not an option. Did you mean '-\(PrintableText.of(word))'?"
                )
            }
            var command = try Self.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let problem as Problem {
            Output.complain(problem)
            Self.exit(withError: ExitCode(problem.code == "UnknownOption" ? 64 : 1))
        } catch {
            Self.exit(withError: error)
        }
    }
}

/// The version of this build.
public enum Version {
    /// Semantic version.
    public static let current = "0.1.0"
}

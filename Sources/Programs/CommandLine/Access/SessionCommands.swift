import ArgumentParser
import Client
import Vocabulary

/// `sally session`.
struct SessionCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "session",
        abstract: "Who is on which machine now.",
        subcommands: [List.self, End.self]
    )

    private static let columns: [(title: String, path: [String])] = [
        ("Session", ["id"]), ("User", ["name"]), ("Machine", ["machine"]), ("Since", ["openedAt"]),
        ("From", ["source"]),
    ]

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List live sessions that you may see.")
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let context = try await Context()
            let rows = try await context.resources.list("/hosts/v1/sessions")
            Output.show(.array(rows), as: self.output, columns: SessionCommands.columns)
        }
    }

    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a session; the person sees your message.")
        @Argument(help: "The session's id, from 'sally session list'.")
        var session: String
        @Option(help: "What the person is told.")
        var message: String?

        func run() async throws {
            guard let id = GUID(self.session) else {
                throw Problem("InvalidSession", shown: "'\(PrintableText.of(self.session))' is not a session's id.")
            }
            let context = try await Context()
            let body: JSONValue = self.message.map { ["message": .string($0)] } ?? [:]
            try await context.resources.send("POST", "/hosts/v1/sessions/\(id)/end", body: body)
        }
    }
}

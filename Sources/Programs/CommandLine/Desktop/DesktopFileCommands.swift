import ArgumentParser
import Client
import Vocabulary

/// `sally rdp`.
struct DesktopFileCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rdp",
        abstract: "Open saved .rdp files.",
        subcommands: [Open.self, Register.self]
    )

    /// `sally rdp open`.
    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open the desktop that a saved .rdp file is for.",
            discussion: """
                The token in a connection file opens one desktop, within minutes. This asks you to sign in if need be, gets \
                a new token, and opens the desktop as the file says, with the looks that you gave it.
                Words after -- go to the client.
                """
        )
        @Argument(help: "The .rdp file.", completion: .file(extensions: ["rdp"]))
        var file: String
        @Flag(help: "Change the connection, or choose the user name, before it is made.")
        var configure = false
        @Argument(parsing: .postTerminator, help: "Words for the client.")
        var arguments: [String] = []

        func run() async throws {
            let saved = try SavedDesktop(try SavedDesktop.read(self.file), named: self.file)
            // The file may come from anybody: whoever is asked for a password sees whose machine gets it.
            Output.note("Opens \(saved.target) through \(saved.bastion).")
            let (context, bastion) = try await Self.signedIn { context in
                guard
                    let bastion = Bastion(
                        try await context.resources.send("GET", MachineFinder.escaped(saved.bastion))
                    )
                else {
                    throw Problem("BadAnswer", shown: "The server did not say where the bastion host is.")
                }
                return bastion
            }
            let request = try DesktopRequest(
                target: (saved.target.description, nil),
                port: saved.port,
                asked: saved.signIn,
                enableMFA: false,
                disableGateway: false,
                through: bastion
            )
            let show = DesktopShow(
                context: context,
                bastion: bastion,
                request: request,
                domainAccount: { request.signIn == .kerberos ? try DomainAccount.ask() : nil },
                isToBeEdited: self.configure,
                more: self.arguments,
                saved: saved
            )
            try await show.run()
        }

        /// Asks the server something as the person; when nobody is signed in, or not any more, after a sign-in.
        private static func signedIn<Answer>(_ ask: (Context) async throws -> Answer) async throws -> (Context, Answer)
        {
            do {
                let context = try await Context()
                return (context, try await ask(context))
            } catch let problem as Problem where Self.isForLackOfSignIn(problem) {
                let isAbsent = problem.code == "NotSignedIn" || problem.code == "SignInExpired"
                Output.note(
                    (isAbsent ? "Nobody is signed in here any more." : problem.shown) + " Sign in to open the desktop."
                )
                let login = try Login.parse(["--output", "none"])
                try await login.run()
                let context = try await Context()
                return (context, try await ask(context))
            }
        }

        /// Whether a sign-in would help.
        static func isForLackOfSignIn(_ problem: Problem) -> Bool {
            ["NotSignedIn", "SignInExpired", "invalid_grant", "interaction_required", "InvalidAuthenticationToken"]
                .contains(problem.code)
        }
    }
}

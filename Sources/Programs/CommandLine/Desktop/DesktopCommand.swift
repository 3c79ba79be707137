import ArgumentParser
import Client
import Vocabulary

/// What `az` has for `--auth-type` of a desktop, in any letter case.
enum DesktopAuthType: String, ExpressibleByArgument, CaseIterable {
    case aad
    case password
    case kerberos

    init?(argument: String) {
        self.init(rawValue: argument.lowercased())
    }

    /// The sign-in that it means.
    var signIn: DesktopSignIn {
        switch self {
        case .aad: .webAccount
        case .password: .password
        case .kerberos: .kerberos
        }
    }
}

extension BastionCommands {
    /// `sally network bastion rdp`.
    struct Desktop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rdp",
            abstract: "Open a machine's desktop.",
            discussion: """
                Starts the desktop client of this computer: FreeRDP, mstsc (from the Linux inside Windows), or what macOS \
                opens .rdp files with. Your sign-in opens the desktop; nothing is typed. With --enable-mfa the client \
                signs in with your web account itself. With --auth-type password the machine asks for an account of its own. \
                With --auth-type kerberos the bastion host gets a ticket for an account of the machine's domain: name and \
                password are asked for here, and no client has to know Kerberos.
                As somebody else: sally login --switch
                Words after -- go to the client.
                """
        )
        @OptionGroup var options: Options
        @Option(
            help:
                "aad: by your web account, in the client. password: by an account of the machine. kerberos: by an account of its domain."
        )
        var authType: DesktopAuthType?
        @Flag(help: "Sign in with your web account and what its policies ask for, as --auth-type aad.")
        var enableMfa = false
        @Option(
            name: [.customShort("u"), .customLong("username")],
            help: "With kerberos: alice@CORP.EXAMPLE. Asked for when left out."
        )
        var username: String?
        @Flag(help: "With kerberos: read the password from standard input.")
        var passwordStdin = false
        @Flag(help: "Change the connection, or choose the user name, before it is made.")
        var configure = false
        @Option(help: "RDP port of the machine.")
        var resourcePort = 3389
        @Flag(help: "Through a local port instead of the gateway, with a user name and password of the machine.")
        var disableGateway = false
        @Option(
            name: [.customShort("f"), .customLong("file")],
            help: "Only write the .rdp file there, and open nothing; - for standard output.",
            completion: .file(extensions: ["rdp"])
        )
        var file: String?
        @Argument(parsing: .postTerminator, help: "Words for the client.")
        var arguments: [String] = []

        func validate() throws {
            try PortNumber.check(self.resourcePort, "--resource-port")
            guard self.authType == .kerberos || (self.username == nil && !self.passwordStdin) else {
                throw ValidationError("--username and --password-stdin go with --auth-type kerberos.")
            }
            guard !self.passwordStdin || self.username != nil else {
                throw ValidationError("--password-stdin goes with --username.")
            }
        }

        func run() async throws {
            let context = try await Context()
            let bastion = try await self.options.bastion(context)
            let request = try DesktopRequest(
                target: try self.options.target(context),
                port: self.resourcePort,
                asked: self.authType?.signIn,
                enableMFA: self.enableMfa,
                disableGateway: self.disableGateway,
                through: bastion
            )
            let show = DesktopShow(
                context: context,
                bastion: bastion,
                request: request,
                domainAccount: {
                    guard request.signIn == .kerberos else { return nil }
                    return try DomainAccount.ask(name: self.username, standardInput: self.passwordStdin)
                },
                isToBeEdited: self.configure,
                more: self.arguments
            )
            if let file = self.file {
                try await self.write(show, to: file)
            } else {
                try await show.run()
            }
        }

        private func write(_ show: DesktopShow, to file: String) async throws {
            let (request, context) = (show.request, show.context)
            guard !request.isTunnelled else {
                throw Problem(
                    "NoFile",
                    shown:
                        "A local port is there only while 'sally' runs: use 'sally network bastion tunnel' with a --port "
                        + "of your choice, and connect any client to it."
                )
            }
            let bytes = try await show.fetch()
            if file == "-" {
                print(String(decoding: bytes, as: UTF8.self), terminator: "")
                return
            }
            try context.state.write(bytes, toFile: file)
            Output.note(
                "\(file): opens the desktop once, in the next minutes; after that 'sally rdp open \(file)' has you sign in, and "
                    + "opens it. Only you may read it."
            )
        }
    }
}

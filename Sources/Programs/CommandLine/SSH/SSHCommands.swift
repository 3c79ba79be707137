import ArgumentParser
import Client
import Crypto
import FoundationEssentials
import NIOCore
import SSHWire
import Vocabulary

/// `sally ssh`.
struct SSHCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh",
        abstract: "SSH to machines, and certificates for any SSH client.",
        subcommands: [ToMachine.self, Config.self, Certificate.self, Renew.self]
    )

    /// Options that both `ssh vm` and `network bastion ssh` have.
    struct WayOptions: ParsableArguments {
        @OptionGroup var machine: MachineOptions
        @Option(
            help:
                "Bastion host to go through (default: the one that reaches the machine; of several, SALLYPORT_BASTION)."
        )
        var bastion: String?
        @Option(name: [.customLong("port"), .customLong("resource-port")], help: "SSH port of the machine.")
        var port = 22
        @Option(
            name: .customLong("ip"),
            help: "Address of a machine that this computer reaches by itself, instead of a name."
        )
        var address: String?

        func validate() throws {
            if let address = self.address, (try? SocketAddress(ipAddress: address, port: 22)) == nil {
                let hint = "four numbers from 0 to 255, for example 10.1.2.3"
                throw ValidationError("'\(PrintableText.of(address))' is not an IP address: \(hint).")
            }
            guard self.address == nil || self.bastion == nil else {
                throw ValidationError(
                    "--ip is for machines that this computer reaches by itself. Through a bastion host: "
                        + "sally network bastion ssh --target-ip-address."
                )
            }
            try PortNumber.check(self.port, "--port")
        }

        /// Puts everything together that ssh needs.
        func invocation(_ context: Context) async throws -> SSHInvocation {
            if let address = self.address {
                return SSHInvocation(
                    program: ChildProcess.own,
                    credentials: try await SSHCredentials.current(context),
                    machine: Machine(path: .root),
                    bastion: nil,
                    port: self.port,
                    address: address
                )
            }
            let machine = try await self.machine.find(context)
            if machine.osType == "Windows" {
                throw Problem(
                    "NotLinux",
                    shown: "\(machine.path.name) runs Windows: there is no SSH sign-in by identity on it."
                )
            }
            let choice = try await context.finder().bastion(
                for: machine,
                named: self.bastion,
                preferring: Context.environment["SALLYPORT_BASTION"]
            )
            if let note = choice.note { Output.note(note) }
            return SSHInvocation(
                program: ChildProcess.own,
                credentials: try await SSHCredentials.current(context),
                machine: machine,
                bastion: choice.bastion,
                port: self.port
            )
        }
    }

    struct ToMachine: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "vm",
            abstract: "Open a shell on a machine, or run a command there.",
            discussion: "Words after -- go to ssh: options, then the command. The exit status is ssh's own."
        )
        @OptionGroup var way: WayOptions
        @Argument(parsing: .postTerminator, help: "Words for ssh.")
        var arguments: [String] = []

        func run() async throws {
            let context = try await Context()
            let invocation = try await self.way.invocation(context)
            try ChildProcess.become("ssh", try invocation.arguments(self.arguments))
        }
    }

    struct Config: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write an ssh_config section for a machine, for ssh, scp, sftp, rsync, Ansible and editors."
        )
        @OptionGroup var way: WayOptions
        @Option(name: [.customShort("f"), .customLong("file")], help: "File to write; - for standard output.")
        var file: String
        @Option(help: "Name to use after 'ssh' (default: group-machine).")
        var host: String?
        @Flag(help: "Replace the file if it exists; otherwise only an earlier section of the same name is replaced.")
        var overwrite = false

        func run() async throws {
            let context = try await Context()
            let invocation = try await self.way.invocation(context)
            let host = self.host ?? invocation.address ?? SSHInvocation.hostPattern(invocation.machine)
            guard SSHInvocation.isPlain(host) else {
                throw Problem(
                    "InvalidHost",
                    shown: "--host may have letters, digits, dots, dashes and underscores, and begins with no dash."
                )
            }
            let section = try invocation.configuration(host: host)
            if self.file == "-" {
                print(section, terminator: "")
                return
            }
            var before = ""
            if !self.overwrite, FileManager.default.fileExists(atPath: self.file) {
                guard let data = try? Data(contentsOf: URL(filePath: self.file)) else {
                    throw Problem("File", shown: "\(self.file) cannot be read.")
                }
                before = SSHInvocation.removingSection(of: host, from: String(decoding: data, as: UTF8.self))
                while !before.isEmpty, !before.hasSuffix("\n\n") { before += "\n" }
            }
            try context.state.write(Array((before + section).utf8), toFile: self.file)
            Output.note("Written. Try: ssh -F \(SSHInvocation.quoted(self.file)) \(host)")
        }
    }

    struct Certificate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cert",
            abstract: "Get an SSH certificate for a key of yours."
        )
        @Option(name: [.customShort("p"), .customLong("public-key-file")], help: "The public key.")
        var publicKeyFile: String
        @Option(
            name: [.customShort("f"), .customLong("file")],
            help: "File for the certificate (default: beside the key, as ssh expects it)."
        )
        var file: String?

        func run() async throws {
            let context = try await Context()
            guard
                let text = (try? Data(contentsOf: URL(filePath: self.publicKeyFile))).map({
                    String(decoding: $0, as: UTF8.self)
                })
            else {
                throw Problem("PublicKeyFile", shown: "\(self.publicKeyFile) cannot be read.")
            }
            guard let key = try? SSHPublicKey(line: text.trimmingSuffix(while: \.isNewline)) else {
                throw Problem("PublicKeyFile", shown: "\(self.publicKeyFile) holds no SSH public key.")
            }
            let jwk = try SSHCredentials.webKey(key)
            let answer = try await context.signedIn.certificate(
                for: jwk,
                keyID: Hex.encode(SHA256.hash(data: Data(jwk.text.utf8)))
            )
            guard let blob = Data(base64Encoded: answer.blob) else {
                throw Problem("BadAnswer", shown: "The server's certificate cannot be read.")
            }
            let certificate: SSHCertificate
            do {
                certificate = try SSHCertificate(blob: [UInt8](blob))
            } catch {
                throw Problem("BadAnswer", shown: "The server's certificate cannot be read.", logged: "\(error)")
            }
            guard certificate.contents.key == key else {
                throw Problem("BadAnswer", shown: "The server's certificate is for another key.")
            }
            let base =
                self.publicKeyFile.hasSuffix(".pub") ? String(self.publicKeyFile.dropLast(4)) : self.publicKeyFile
            let file = self.file ?? base + "-cert.pub"
            try context.state.write(Array((certificate.line() + "\n").utf8), toFile: file)
            Output.note(
                "\(file): for \(certificate.contents.principals.joined(separator: ", ")), until \(answer.expiresAt)"
            )
        }
    }

    struct Renew: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Renew the certificate if it is about to end; what 'ssh config' puts into Match exec.",
            shouldDisplay: false
        )

        func run() async throws {
            _ = try await SSHCredentials.current(try await Context())
        }
    }
}

import ArgumentParser
import FoundationEssentials
import Identity
import Vocabulary

/// `sallyport apply FILE`.
struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Bring people, groups, applications, machines and roles to what a YAML file says.",
        discussion: "Works with the server running or not, and changes nothing when everything is as the file says."
    )
    @Argument(help: "The file.")
    var file: String
    @Flag(help: "Only say what would change.")
    var dryRun = false
    @OptionGroup var data: DataOption

    func run() async throws {
        guard let bytes = try? Data(contentsOf: URL(filePath: self.file)) else {
            throw Problem("ApplyFile", shown: "\(self.file) cannot be read.")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        do {
            let file = try ApplyFile(parsing: text)
            var secrets: [String: String] = [:]
            for source in file.secretSources { secrets[source.key] = try Self.read(source) }
            let tenant = try file.tenant.map { entry in
                try Tenant(
                    id: entry.id ?? GUID(from: .system),
                    displayName: entry.displayName,
                    domains: [entry.domain] + entry.domains
                )
            }
            try await self.data.perform(.apply(text: text, secrets: secrets, dryRun: self.dryRun), tenant: tenant)
        } catch let problem as Problem where problem.code == "ApplyFile" {
            // `file:line: …` where the line is known, as compilers write it.
            let hasLine = problem.shown.first?.isNumber == true
            throw Problem("ApplyFile", shown: "\(self.file):\(hasLine ? "" : " ")\(problem.shown)")
        }
    }

    private static func read(_ source: SecretSource) throws -> String {
        switch source {
        case .environment(let name):
            guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
                throw Problem(
                    "Secret",
                    shown: "The environment variable \(name) is not set; the file takes a secret from it."
                )
            }
            return value
        case .file(let path):
            guard let bytes = try? Data(contentsOf: URL(filePath: path)) else {
                throw Problem("Secret", shown: "\(path) cannot be read; the file takes a secret from it.")
            }
            var text = String(decoding: bytes, as: UTF8.self)
            if text.hasSuffix("\n") { text.removeLast() }
            return text
        }
    }
}

/// `sallyport host`.
struct HostCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host",
        abstract: "Machines that join.",
        subcommands: [Token.self]
    )

    struct Token: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print a single-use token for 'sally-agent join'.")
        @Option(help: "The machine's resource id.")
        var machine: String
        @Option(help: "How long it can be used, in seconds.")
        var life = 3600
        @OptionGroup var data: DataOption

        func run() async throws {
            guard (60...86_400).contains(self.life) else {
                throw Problem("InvalidLife", shown: "--life must be from 60 to 86400 seconds.")
            }
            try await self.data.perform(.hostToken(machine: self.machine, life: self.life))
        }
    }
}

/// `sallyport audit`.
struct AuditCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "What happened.",
        subcommands: [List.self, Verify.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the newest entries as JSON, one a line, newest last."
        )
        @Option(help: "How many, at most 1000.")
        var limit = 200
        @Flag(help: "Accepted for scripts; the entries are always JSON.")
        var json = false
        @OptionGroup var data: DataOption

        func run() async throws {
            try await self.data.perform(.auditList(limit: self.limit))
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Check that no entry was changed or removed.")
        @OptionGroup var data: DataOption

        func run() async throws {
            try await self.data.perform(.auditVerify)
        }
    }
}

/// `sallyport keys`.
struct KeyCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Signing keys.",
        subcommands: [Rotate.self]
    )

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a new key; the old one stays trusted for a while."
        )
        @Argument(help: "tokens, ssh-user-ca or ssh-host-ca.")
        var what: String
        @OptionGroup var data: DataOption

        func run() async throws {
            try await self.data.perform(.rotate(self.what))
        }
    }
}

/// `sallyport backup FILE`.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the store into a new file, while the server runs."
    )
    @Argument(help: "The new file.")
    var file: String
    @OptionGroup var data: DataOption

    func run() async throws {
        let path = self.file.hasPrefix("/") ? self.file : FileManager.default.currentDirectoryPath + "/" + self.file
        try await self.data.perform(.backUp(path: path))
    }
}

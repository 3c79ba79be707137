import ArgumentParser
import Client
import FoundationEssentials
import Vocabulary

/// `sally az`.
struct AzureCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "az",
        abstract: "Make the Azure CLI work with this server.",
        subcommands: [Setup.self]
    )

    /// `sally az setup`: tells the Azure CLI, then looks whether it took.
    struct Setup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Point the Azure CLI at the server, and check that it will work.",
            discussion: """
                Changes the Azure CLI's built-in cloud 'AzureCloud', because its SSH extension knows only the built-in ones. To keep an \
                Azure CLI that also works with Azure itself, give --config-directory: a folder of its own for this server.
                """
        )

        @Option(help: "The server's address (default: SALLYPORT_URL, or the one you signed in to).")
        var url: String?
        @Option(
            name: .customLong("ca"),
            help:
                "PEM file with the authority to trust (default: SALLYPORT_CA, the one you signed in with, or the system's)."
        )
        var authorityFile: String?
        @Option(help: "A folder of its own for the Azure CLI's settings (default: AZURE_CONFIG_DIR, or ~/.azure).")
        var configDirectory: String?
        @Flag(help: "Put everything back as it was before.")
        var undo = false
        @Flag(name: .customLong("print"), help: "Change nothing; print the lines to type.")
        var printOnly = false

        func run() async throws {
            let state = try StateDirectory(environment: Context.environment)
            if self.undo { return try Self.undo(state) }
            let settings = try self.settings(state)
            let index = await Self.index(of: settings)
            if self.printOnly { return Self.printLines(settings, index.url) }
            let az = AzureProgram(searching: Context.environment, adding: settings.variables)
            if let problem = index.problem { return try Self.finish([Finding("server", .failed(problem.shown))]) }
            var findings = [Finding("server", .good(settings.base))]
            guard let az else {
                findings.append(
                    Finding(
                        "az",
                        .failed(
                            "the Azure CLI was not found along PATH. Install it, or type on the computer that has it:"
                        )
                    )
                )
                Self.printLines(settings, index.url)
                return try Self.finish(findings)
            }
            try Self.write(settings, state)
            for command in settings.commands(indexURL: index.url) {
                let outcome = try az.run(command)
                guard outcome.status == 0 else {
                    let line = (["az"] + command).map(AzureSettings.quoted).joined(separator: " ")
                    let said = PrintableText.of(
                        outcome.text.split(separator: "\n").last.map(String.init) ?? "",
                        limit: 500
                    )
                    findings.append(Finding("az", .failed("'\(line)' ended with \(outcome.status): \(said)")))
                    return try Self.finish(findings)
                }
            }
            findings += try AzureCheck(az: az, settings: settings, offered: index.names).findings()
            try Self.finish(findings)
        }

        private func settings(_ state: StateDirectory) throws -> AzureSettings {
            let server = try ServerChoice(url: self.url, authorityFile: self.authorityFile, state)
            return AzureSettings(
                base: server.base,
                authorityFile: server.authorityFile,
                folder: (self.configDirectory ?? Context.environment["AZURE_CONFIG_DIR"]).map(StateDirectory.absolute),
                place: state.directory("az")
            )
        }

        // Whether the server is one, and where its index is when there is anything in it.
        private static func index(of settings: AzureSettings) async -> (
            url: String?, names: [String], problem: Problem?
        ) {
            do {
                let http = HTTPClient(reach: try ServerReach(authorityFile: settings.authorityFile))
                let metadata = "\(settings.base)/metadata/endpoints?api-version=2022-09-01"
                guard try await http.send(WebRequest("GET", metadata)).json?["resourceManager"]?.string != nil else {
                    return (nil, [], Problem("NoServer", shown: "\(settings.base) has no document about a cloud."))
                }
                let address = "\(settings.base)/extensions/index.json"
                let index = try await http.send(WebRequest("GET", address)).json?["extensions"]?.object ?? [:]
                return (index.isEmpty ? nil : address, index.keys.sorted(), nil)
            } catch {
                return (nil, [], error as? Problem ?? Problem("Failed", shown: "\(error)"))
            }
        }

        private static func write(_ settings: AzureSettings, _ state: StateDirectory) throws {
            // The first change counts: what a second one finds is our own.
            if try state.read(AzureSettings.Earlier.self, from: "az/earlier.json") == nil {
                let folder = settings.folder ?? AzureSettings.folder(Context.environment)
                try state.write(AzureSettings.earlier(in: folder), to: "az/earlier.json")
            }
            if let authority = settings.authorityFile {
                guard let own = FileManager.default.contents(atPath: authority) else {
                    throw Problem("NoAuthority", shown: "\(authority) cannot be read.")
                }
                let bundle = AzureSettings.systemAuthorities() + "\n" + String(decoding: own, as: UTF8.self)
                try state.write(Array(bundle.utf8), toFile: settings.bundleFile)
            }
            try state.write(Array(settings.variablesText.utf8), toFile: settings.variablesFile)
        }

        private static func undo(_ state: StateDirectory) throws {
            guard let earlier = try state.read(AzureSettings.Earlier.self, from: "az/earlier.json") else {
                throw Problem("NothingToUndo", shown: "'sally az setup' has changed nothing that is still known.")
            }
            try AzureSettings.restore(earlier, by: state)
            let place = state.directory("az")
            for name in ["env", "ca.pem", "earlier.json"] {
                try? FileManager.default.removeItem(atPath: "\(place)/\(name)")
            }
            print("\(earlier.folder) is as it was. Close shells that have read \(place)/env, or unset its variables.")
        }

        private static func printLines(_ settings: AzureSettings, _ indexURL: String?) {
            for (name, value) in settings.variables.sorted(by: { $0.key < $1.key }) {
                let value = value == settings.bundleFile ? settings.authorityFile ?? value : value
                print("export \(name)=\(AzureSettings.quoted(value))")
            }
            for command in settings.commands(indexURL: indexURL) {
                print((["az"] + command).map(AzureSettings.quoted).joined(separator: " "))
            }
        }

        private static func finish(_ findings: [Finding]) throws {
            for finding in findings { print(finding.line) }
            if findings.contains(where: \.isFailure) { throw ExitCode(1) }
        }
    }
}

import Client
import FoundationEssentials
import Vocabulary

/// What the Azure CLI is told about a server: in its own folder, and in a file of variables for the shell.
struct AzureSettings {
    /// What was there before, for the way back.
    struct Earlier: Codable, Equatable {
        /// The Azure CLI's folder that was changed.
        var folder: String
        /// The section of the cloud in `clouds.config`; nil when there was none.
        var cloud: String?
        /// `core.instance_discovery`; nil when it was not set.
        var instanceDiscovery: String?
        /// `extension.index_url`; nil when it was not set.
        var indexURL: String?
    }

    static let cloud = "AzureCloud"

    /// The server's address.
    let base: String
    /// The authority to trust; nil for the system's.
    let authorityFile: String?
    /// The Azure CLI's folder, when it is not the usual one.
    let folder: String?
    /// Where our own files about it are.
    let place: String

    /// The file of variables.
    var variablesFile: String { self.place + "/env" }
    /// The authorities: the system's and the server's own.
    var bundleFile: String { self.place + "/ca.pem" }

    /// The variables that the Azure CLI needs in each shell. A private authority must be named twice: its HTTP library and its WebSocket look at
    /// different ones.
    var variables: [String: String] {
        var variables: [String: String] = [:]
        if self.authorityFile != nil {
            variables["REQUESTS_CA_BUNDLE"] = self.bundleFile
            variables["SSL_CERT_FILE"] = self.bundleFile
        }
        variables["AZURE_CONFIG_DIR"] = self.folder
        return variables
    }

    /// The file of variables, for `source`.
    var variablesText: String {
        let lines = self.variables.sorted { $0.key < $1.key }.map { "export \($0.key)=\(Self.quoted($0.value))\n" }
        return "# Written by 'sally az setup'. Use it: source \(Self.quoted(self.variablesFile))\n" + lines.joined()
    }

    /// The commands that tell the Azure CLI, for those who type them.
    func commands(indexURL: String?) -> [[String]] {
        var commands = [
            ["cloud", "update", "-n", Self.cloud, "--endpoint-resource-manager", self.base],
            ["config", "set", "core.instance_discovery=false", "--only-show-errors"],
        ]
        if let indexURL { commands.append(["config", "set", "extension.index_url=\(indexURL)", "--only-show-errors"]) }
        return commands
    }

    /// A word as a shell reads it back.
    static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { unit in
            switch unit {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "/._-:=@,+".utf8.contains(unit)
            }
        }
        return isPlain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }

    /// The folder of the Azure CLI.
    static func folder(_ environment: [String: String]) -> String {
        if let folder = environment["AZURE_CONFIG_DIR"], !folder.isEmpty { return StateDirectory.absolute(folder) }
        return (environment["HOME"] ?? "") + "/.azure"
    }

    /// What a folder says now.
    static func earlier(in folder: String) -> Earlier {
        let config = INIText(Self.text("\(folder)/config"))
        return Earlier(
            folder: folder,
            cloud: INIText(Self.text("\(folder)/clouds.config")).section(Self.cloud),
            instanceDiscovery: config.value("instance_discovery", in: "core"),
            indexURL: config.value("index_url", in: "extension")
        )
    }

    /// Puts back what a folder said before.
    static func restore(_ earlier: Earlier, by state: StateDirectory) throws(Problem) {
        let clouds = "\(earlier.folder)/clouds.config"
        let config = "\(earlier.folder)/config"
        if FileManager.default.fileExists(atPath: clouds) {
            var text = INIText(Self.text(clouds))
            text.replaceSection(Self.cloud, with: earlier.cloud)
            try state.write(Array(text.text.utf8), toFile: clouds)
        }
        if FileManager.default.fileExists(atPath: config) {
            var text = INIText(Self.text(config))
            text.set("instance_discovery", in: "core", to: earlier.instanceDiscovery)
            text.set("index_url", in: "extension", to: earlier.indexURL)
            try state.write(Array(text.text.utf8), toFile: config)
        }
    }

    private static func text(_ file: String) -> String {
        FileManager.default.contents(atPath: file).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The system's authorities as one text; empty when they are not where systems keep them.
    static func systemAuthorities() -> String {
        let places = [
            "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
            "/etc/ssl/cert.pem",
        ]
        return places.lazy.map { Self.text($0) }.first { !$0.isEmpty } ?? ""
    }
}

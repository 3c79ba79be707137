import ArgumentParser
import FoundationEssentials
import Vocabulary
import Yams

/// `sallyport serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the server.",
        discussion: """
            Every setting can stand in the file that --config names (as 'public-url: …'), in the environment (as \
            SALLYPORT_SERVE_PUBLIC_URL) or on the command line; the command line wins, then the environment.
            """
    )
    @Option(help: "YAML file with settings.")
    var config: String?
    @Option(help: ArgumentHelp(Setting.data.help)) var data: String?
    @Option(help: ArgumentHelp(Setting.address.help)) var address: String?
    @Option(help: ArgumentHelp(Setting.port.help)) var port: String?
    @Option(name: .customLong("public-url"), help: ArgumentHelp(Setting.publicURL.help)) var publicURL: String?
    @Option(name: [.customLong("names"), .customLong("name")], help: ArgumentHelp(Setting.names.help)) var names:
        [String] = []
    @Option(help: ArgumentHelp(Setting.tlsCertificate.help)) var tlsCertificate: String?
    @Option(help: ArgumentHelp(Setting.tlsKey.help)) var tlsKey: String?
    @Option(help: ArgumentHelp(Setting.metricsPort.help)) var metricsPort: String?
    @Option(help: ArgumentHelp(Setting.logLevel.help)) var logLevel: String?
    @Option(help: ArgumentHelp(Setting.logFile.help)) var logFile: String?
    @Option(help: ArgumentHelp(Setting.tenantDomain.help)) var tenantDomain: String?
    @Option(name: .customLong("tenant-id"), help: ArgumentHelp(Setting.tenantID.help)) var tenantID: String?
    @Option(help: ArgumentHelp(Setting.administrator.help)) var administrator: String?
    @Option(name: .customLong("ssh-ca-type"), help: ArgumentHelp(Setting.sshCAType.help)) var sshCAType: String?
    @Option(help: ArgumentHelp(Setting.certificateLife.help)) var certificateLife: String?
    @Option(help: ArgumentHelp(Setting.longestCertificateLife.help)) var longestCertificateLife: String?
    @Option(help: ArgumentHelp(Setting.cutAtExpiry.help)) var cutAtExpiry: String?
    @Option(help: ArgumentHelp(Setting.decisionCache.help)) var decisionCache: String?
    @Option(help: ArgumentHelp(Setting.tunnelIdleLimit.help)) var tunnelIdleLimit: String?
    @Option(help: ArgumentHelp(Setting.tunnelTotalLimit.help)) var tunnelTotalLimit: String?
    @Option(help: ArgumentHelp(Setting.relayNetworks.help)) var relayNetworks: String?
    @Option(help: ArgumentHelp(Setting.publicAddresses.help)) var publicAddresses: String?
    @Option(help: ArgumentHelp(Setting.drain.help)) var drain: String?
    @Option(help: ArgumentHelp(Setting.fabric.help)) var fabric: String?
    @Option(help: ArgumentHelp(Setting.roleAssignmentLimit.help)) var roleAssignmentLimit: String?
    @Option(help: ArgumentHelp(Setting.loginRolesAtManagementGroups.help)) var loginRolesAtManagementGroups: String?

    func run() async throws {
        let given: [(Setting, String?)] = [
            (.data, self.data), (.address, self.address), (.port, self.port), (.publicURL, self.publicURL),
            (.names, self.names.isEmpty ? nil : self.names.joined(separator: ",")),
            (.tlsCertificate, self.tlsCertificate),
            (.tlsKey, self.tlsKey), (.metricsPort, self.metricsPort), (.logLevel, self.logLevel),
            (.logFile, self.logFile),
            (.tenantDomain, self.tenantDomain), (.tenantID, self.tenantID), (.administrator, self.administrator),
            (.sshCAType, self.sshCAType), (.certificateLife, self.certificateLife),
            (.longestCertificateLife, self.longestCertificateLife), (.cutAtExpiry, self.cutAtExpiry),
            (.decisionCache, self.decisionCache), (.tunnelIdleLimit, self.tunnelIdleLimit),
            (.tunnelTotalLimit, self.tunnelTotalLimit), (.relayNetworks, self.relayNetworks), (.drain, self.drain),
            (.publicAddresses, self.publicAddresses),
            (.fabric, self.fabric), (.roleAssignmentLimit, self.roleAssignmentLimit),
            (.loginRolesAtManagementGroups, self.loginRolesAtManagementGroups),
        ]
        var flags: [Setting: String] = [:]
        for (setting, value) in given { flags[setting] = value }
        let configuration = try ServerConfiguration(
            flags: flags,
            environment: ProcessInfo.processInfo.environment,
            file: try self.config.map(Self.read) ?? [:]
        )
        try await Server(configuration).run()
    }

    private static func read(_ path: String) throws(Problem) -> [String: String] {
        guard let bytes = try? Data(contentsOf: URL(filePath: path)) else {
            throw Problem("ConfigurationFile", shown: "\(path) cannot be read.")
        }
        guard let node = try? Yams.compose(yaml: String(decoding: bytes, as: UTF8.self)),
            case .mapping(let mapping) = node
        else {
            throw Problem("ConfigurationFile", shown: "\(path) must hold lines like 'port: 8443'.")
        }
        var settings: [String: String] = [:]
        for (key, value) in mapping {
            guard let name = key.string else { continue }
            if case .sequence(let list) = value {
                settings[name] = list.compactMap(\.string).joined(separator: ",")
            } else if let text = value.string {
                settings[name] = text
            } else {
                throw Problem(
                    "ConfigurationFile",
                    shown: "\(path):\(value.mark?.line ?? 1): '\(PrintableText.of(name))' must be a text or a list."
                )
            }
        }
        return settings
    }
}

import AgentWire
import ArgumentParser
import Client
import NIOPosix
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

struct JoinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Joins this machine to a Sallyport server.",
        discussion: """
            Makes a key on this machine, hands its public half and a single-use token to the server, and starts the agent. Nothing else on the machine \
            changes until signing in is switched on for it at the server.
            """
    )

    @OptionGroup var common: CommonOptions
    @Option(help: "The server, for example https://sallyport.example.")
    var server: String
    @Option(help: "A file with the single-use token, removed after joining, or - for standard input.")
    var tokenFile: String?
    @Option(
        name: [.customLong("ca-file"), .customLong("ca")],
        help: "A PEM file with the authorities that may have signed the server's certificate."
    )
    var caFile: String?
    @Option(help: "A proxy to reach the server through, for example http://proxy.example:3128.")
    var proxy: String?
    @Option(help: "Where the modules are that get installed when signing in is switched on.")
    var modules: String?
    @Option(help: "Where the metadata service listens: address:port, auto or off.")
    var metadata: String?
    @Option(help: "sshd's main configuration file.")
    var sshdConfig: String?
    @Option(help: "sshd's process id file.")
    var sshdPidFile: String?
    @Option(help: "The name to join under instead of the host's own.")
    var hostname: String?
    @Flag(help: "Do not set the agent up as a systemd service.")
    var noService = false
    @Flag(help: "Join again although this machine has joined.")
    var force = false

    func run() async throws {
        do throws(HostAgentError) {
            try await self.join()
        } catch {
            throw CommandFailure(error)
        }
    }

    private func join() async throws(HostAgentError) {
        let layout = self.common.layout
        guard self.force || !HostFile.exists(layout.configurationFile) else {
            throw .configuration("this machine has joined already; use `sally-agent leave` first, or --force")
        }
        let token = try self.readToken()
        var authorities: [UInt8]?
        if let caFile {
            authorities = try HostFile.read(caFile, limit: 1 << 20)
            guard authorities != nil else { throw .missing(caFile) }
        }
        let group = MultiThreadedEventLoopGroup.singleton
        let dialler = try HostServer.dialler(self.server, caFile: self.caFile, proxy: self.proxy, group: group)
        let identity = MachineIdentity()
        let facts = HostFacts.gather(layout, sshd: self.sshd(layout))
        let answer = try await HostServer.join(
            JoinRequest(
                token: token,
                machineKey: identity.publicLine,
                hostname: self.hostname ?? facts.hostname,
                hostKeys: facts.hostKeys,
                osName: facts.osName,
                osVersion: facts.osVersion,
                agentVersion: Agent.version,
                addresses: facts.addresses
            ),
            by: dialler
        )
        var configuration = AgentConfiguration(
            server: dialler.address.description,
            caFile: authorities == nil ? nil : layout.serverAuthorities,
            identity: AgentConfiguration.Identity(
                hostId: answer.hostId,
                tenantId: answer.tenantId,
                resourceId: answer.resourceId,
                controlPath: answer.controlPath
            )
        )
        configuration.proxy = self.proxy
        configuration.metadata = self.metadata
        configuration.modules = self.modules
        configuration.sshdConfiguration = self.sshdConfig
        configuration.sshdPidFile = self.sshdPidFile
        if let authorities {
            try HostFile.makeDirectory(layout.configurationDirectory, mode: 0o755)
            try HostFile.replace(layout.serverAuthorities, with: authorities, .root(0o644))
        }
        try identity.save(layout)
        try configuration.save(layout)
        // Spent, so it is of use to nobody any more.
        if let tokenFile, tokenFile != "-" { unlink(tokenFile) }
        // A token that lies among our own files was put there for this moment and is worth nothing any more.
        if let tokenFile, tokenFile.hasPrefix(layout.configurationDirectory + "/") { try HostFile.remove(tokenFile) }
        print("Joined as \(PrintableText.of(answer.resourceId, limit: 400)).")
        try self.startService(layout)
    }

    private func readToken() throws(HostAgentError) -> String {
        guard let tokenFile else {
            guard let variable = getenv("SALLYPORT_JOIN_TOKEN") else {
                throw .configuration("a token is needed: --token-file FILE, or SALLYPORT_JOIN_TOKEN in the environment")
            }
            return String(cString: variable).trimmed
        }
        let path = tokenFile == "-" ? "/dev/stdin" : tokenFile
        guard let bytes = try HostFile.read(path, limit: 8192) else { throw .missing(path) }
        return String(decoding: bytes, as: UTF8.self).trimmed
    }

    private func sshd(_ layout: HostLayout) -> SSHDControl? {
        guard let program = HostProgram.find(["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"]) else {
            return nil
        }
        return SSHDControl(
            program: program,
            configurationFile: self.sshdConfig ?? layout.path("/etc/ssh/sshd_config"),
            pidFile: self.sshdPidFile,
            reloadCommand: nil,
            processes: ProcessTable(directory: layout.processDirectory)
        )
    }

    private func startService(_ layout: HostLayout) throws(HostAgentError) {
        guard !self.noService, layout.root.isEmpty, ServiceUnit.isUsable else {
            print("Start the agent with: sally-agent run")
            return
        }
        try ServiceUnit.install(layout)
        print("The agent runs as the service sally-agent.")
    }
}

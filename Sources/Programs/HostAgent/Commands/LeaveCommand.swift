import AgentWire
import ArgumentParser
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

struct LeaveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leave",
        abstract: "Takes this machine out of Sallyport and puts every file back.",
        discussion: """
            Ends the sessions of people of the directory, stops the agent, restores sshd's, PAM's and the name service's files, and removes the agent's \
            key and state. Home directories stay. The machine's resource at the server stays until it is deleted there.
            """
    )

    @OptionGroup var common: CommonOptions
    @Flag(help: "Keep the sessions that run.")
    var keepSessions = false

    func run() async throws {
        do throws(HostAgentError) {
            try await self.leave()
        } catch {
            throw CommandFailure(error)
        }
    }

    private func leave() async throws(HostAgentError) {
        let layout = self.common.layout
        guard geteuid() == 0 else { throw .configuration("only root can do this") }
        let configuration = try AgentConfiguration.load(layout)
        try ServiceUnit.remove(layout)
        // The door first: whoever comes in while sessions are being ended would stay.
        try HostSetup(layout: layout, configuration: configuration).disable()
        if !self.keepSessions { await Self.endSessions(layout) }
        let agent = try? AgentQuestion.agentProcess(layout)
        if let agent {
            kill(agent, SIGTERM)
            await Self.wait(for: agent, layout)
        }
        try await MetadataServer.removeLeftovers(layout)
        for file in [
            layout.configurationFile, layout.serverAuthorities, layout.caKeysFile, layout.revocationFile,
            layout.snapshotFile, layout.machineKeyFile, layout.knowledgeFile, layout.sessionsFile, layout.originalsFile,
            layout.socketFile, layout.lockFile,
        ] {
            try HostFile.remove(file)
        }
        for name in HostFile.names(in: layout.configurationDirectory) where name.hasPrefix("host_") {
            try HostFile.remove("\(layout.configurationDirectory)/\(name)")
        }
        try PrincipalFiles.remove(layout.principalsDirectory)
        for directory in [
            layout.privateDirectory, layout.stateDirectory, layout.configurationDirectory, layout.socketDirectory,
        ] {
            rmdir(directory)
        }
        print("This machine has left. Home directories were kept.")
    }

    private static func endSessions(_ layout: HostLayout) async {
        let table = ProcessTable(directory: layout.processDirectory)
        let file = (try? HostFile.read(layout.sessionsFile)).flatMap { $0 }
        let listener = (try? AgentConfiguration.load(layout)).flatMap { try? SSHDControl.find($0, layout) }
        let ending = SessionEnd.onHost(SessionProcesses(table: table, own: getpid()) { listener?.listener() })
        let sessions = SessionBook(file: file, boot: table.boot()).sessions.values
        for session in sessions {
            _ = await ending.end(session, message: "this machine leaves Sallyport.")
        }
        let local = LocalAccounts(passwd: HostFile.text(layout.passwdFile) ?? "")
        for uid in Set(sessions.map(\.uid)).subtracting(local.numbers) {
            try? await ending.reap(uid)
        }
    }

    private static func wait(for pid: Int32, _ layout: HostLayout) async {
        let table = ProcessTable(directory: layout.processDirectory)
        for _ in 0..<50 where table.facts(pid) != nil {
            try? await Task.sleep(for: .milliseconds(100))
        }
    }
}

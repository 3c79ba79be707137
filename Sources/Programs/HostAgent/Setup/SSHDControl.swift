#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The sshd of this host: asks it about itself and makes it read its configuration again.
struct SSHDControl: Sendable {
    let program: String
    let configurationFile: String
    let pidFile: String?
    let reloadCommand: [String]?
    let processes: ProcessTable

    /// Finds the host's sshd.
    static func find(_ configuration: AgentConfiguration, _ layout: HostLayout) throws(HostAgentError) -> SSHDControl {
        let usual = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"]
        guard let program = HostProgram.find(configuration.sshd.map { [$0] } ?? usual) else {
            throw .missing("sshd (\(configuration.sshd ?? usual[0]))")
        }
        return SSHDControl(
            program: program,
            configurationFile: configuration.sshdConfiguration ?? layout.path("/etc/ssh/sshd_config"),
            pidFile: configuration.sshdPidFile,
            reloadCommand: configuration.sshdReload,
            processes: ProcessTable(directory: layout.processDirectory)
        )
    }

    /// The version; older programs know no -V but print theirs while they refuse it.
    func version() throws(HostAgentError) -> SSHDVersion {
        let outcome = try HostProgram.run([self.program, "-V"])
        guard let version = SSHDVersion(in: outcome.output) else {
            throw .program(name: self.program, said: "no OpenSSH version in: \(outcome.output.prefix(200))")
        }
        return version
    }

    /// Fails unless sshd accepts its configuration.
    func test() throws(HostAgentError) {
        let outcome = try HostProgram.run([self.program, "-t", "-f", self.configurationFile])
        guard outcome.status == 0 else { throw .program(name: "sshd -t", said: outcome.sentence) }
    }

    /// The settings that hold for a user, keywords in lower case.
    func settings(for user: String) throws(HostAgentError) -> [String: String] {
        let connection = "user=\(user),host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=22"
        let outcome = try HostProgram.run([self.program, "-T", "-f", self.configurationFile, "-C", connection])
        guard outcome.status == 0 else { throw .program(name: "sshd -T", said: outcome.sentence) }
        var settings: [String: String] = [:]
        for line in outcome.output.split(separator: "\n" as Character) {
            let parts = line.split(separator: " " as Character, maxSplits: 1)
            guard parts.count == 2 else { continue }
            let keyword = String(parts[0])
            settings[keyword] = settings[keyword].map { $0 + " " + parts[1] } ?? String(parts[1])
        }
        return settings
    }

    /// Makes a running sshd read its configuration again; where none listens (socket activation) each connection reads it anyway.
    func reload() throws(HostAgentError) {
        if let reloadCommand {
            let outcome = try HostProgram.run(reloadCommand)
            guard outcome.status == 0 else { throw .program(name: reloadCommand[0], said: outcome.sentence) }
            return
        }
        guard let listener = self.listener() else { return }
        guard kill(listener, SIGHUP) == 0 else { throw .system(call: "kill", path: "sshd", code: errno) }
    }

    /// The process that listens: the one in the pid file, if it is an sshd, or the one of root's that is nobody's connection. Anybody may call a
    /// program of their own sshd.
    func listener() -> Int32? {
        for file in self.pidFile.map({ [$0] }) ?? ["/run/sshd.pid", "/var/run/sshd.pid"] {
            if let pid = HostFile.text(file).flatMap({ Int32($0.trimmed) }), self.isOurs(self.processes.facts(pid)) {
                return pid
            }
        }
        guard self.pidFile == nil else { return nil }
        let all = self.processes.all().filter(self.isOurs)
        let own = Set(all.map(\.pid))
        return all.first { !own.contains($0.parent) }?.pid
    }

    private func isOurs(_ process: ProcessFacts?) -> Bool {
        process.map { $0.name == "sshd" && self.processes.user($0.pid) == 0 } ?? false
    }
}

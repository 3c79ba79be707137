/// Puts sshd's configuration back to what the distribution delivers, as `az vm user reset-ssh` asks for.
struct SSHDReset: Sendable {
    let configuration: AgentConfiguration
    let layout: HostLayout

    /// Replaces the main file, keeping the old one beside it. What sshd then refuses is put back.
    ///
    /// Signing in with the directory is set up again afterwards, by whoever calls.
    func reset() throws(HostAgentError) {
        let sshd = try SSHDControl.find(self.configuration, self.layout)
        let file = sshd.configurationFile
        guard let delivered = try HostFile.read(self.layout.path("/usr/share/openssh/sshd_config")) else {
            throw .missing("the distribution's own sshd_config (/usr/share/openssh/sshd_config)")
        }
        let before = try HostFile.read(file)
        let attributes = HostFile.attributes(file) ?? .root(0o644)
        if let before { try HostFile.replace(file + ".before-reset", with: before, attributes) }
        try HostFile.replace(file, with: delivered, attributes)
        do throws(HostAgentError) {
            try sshd.test()
        } catch {
            if let before { try HostFile.replace(file, with: before, attributes) }
            throw error
        }
        try sshd.reload()
    }
}

/// Two variables by which SDKs find the metadata service of a machine outside the cloud, in login shells and in what systemd starts later.
///
/// Source: Authenticate against Azure resources with Azure Arc-enabled servers.
struct IdentityEnvironment: Sendable {
    private static let lines = [
        "IDENTITY_ENDPOINT=http://localhost:40342/metadata/identity/oauth2/token",
        "IMDS_ENDPOINT=http://localhost:40342",
    ]

    let layout: HostLayout

    /// Writes the files, where there is a place for them.
    func write() throws(HostAgentError) {
        let mark = "# Managed by sally-agent. Removed by: sally-agent leave\n"
        if HostFile.exists(self.layout.path("/etc/profile.d")) {
            let text = mark + Self.lines.map { "export \($0)\n" }.joined()
            try HostFile.replace(self.layout.identityProfile, with: Array(text.utf8), .root(0o644))
        }
        if HostFile.exists(self.layout.path("/etc/systemd")) {
            try HostFile.makeDirectory(self.layout.path("/etc/systemd/system.conf.d"), mode: 0o755)
            let text =
                mark + "[Manager]\nDefaultEnvironment=" + Self.lines.map { "\"\($0)\"" }.joined(separator: " ") + "\n"
            try HostFile.replace(self.layout.identityUnitDefaults, with: Array(text.utf8), .root(0o644))
        }
    }

    /// Removes them.
    func remove() throws(HostAgentError) {
        try HostFile.remove(self.layout.identityProfile)
        try HostFile.remove(self.layout.identityUnitDefaults)
    }
}

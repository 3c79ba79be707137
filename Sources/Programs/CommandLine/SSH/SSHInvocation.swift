import Client
import Vocabulary

/// The words of an `ssh` command and the lines of an `ssh_config` that lead through the bastion to one machine.
struct SSHInvocation {
    let program: String
    let credentials: SSHCredentials
    let machine: Machine
    let bastion: Bastion
    let port: Int

    /// The words after `ssh`.
    func arguments(_ more: [String]) -> [String] {
        self.options.flatMap { ["-o", "\($0.name)=\($0.value)"] }
            + ["-l", self.credentials.loginName, self.machine.alias] + more
    }

    /// An `ssh_config` section. The `Match exec` line renews the certificate before ssh reads it.
    func configuration(host: String) -> String {
        let renew = Self.quoted(self.program) + " ssh renew"
        return """
            # \(self.machine.path)
            Match originalhost \(host) exec "\(renew.replacing("\"", with: "\\\""))"
            Host \(host)
                HostName \(self.machine.alias)
                User \(self.credentials.loginName)
            \(self.options.map { "    \($0.name) \($0.value)" }.joined(separator: "\n"))

            """
    }

    private var options: [(name: String, value: String)] {
        let proxy = [
            self.program, "network", "bastion", "proxy", "--bastion-dns", self.bastion.dnsName, "--target-resource-id",
            self.machine.path.description, "--resource-port", String(self.port),
        ]
        return [
            ("HostKeyAlias", self.machine.alias),
            ("IdentityFile", Self.quotedValue(self.credentials.keyFile)),
            ("CertificateFile", Self.quotedValue(self.credentials.certificateFile)),
            ("IdentitiesOnly", "yes"),
            ("UserKnownHostsFile", Self.quotedValue(self.credentials.knownHostsFile)),
            ("GlobalKnownHostsFile", "none"),
            ("StrictHostKeyChecking", "yes"),
            ("UpdateHostKeys", "no"),
            ("PreferredAuthentications", "publickey"),
            ("ProxyCommand", proxy.map { Self.quoted($0).replacing("%", with: "%%") }.joined(separator: " ")),
        ]
    }

    /// A word as a POSIX shell reads it back: ssh runs proxy commands through one.
    static func quoted(_ word: String) -> String {
        let plain = word.utf8.allSatisfy { unit in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(unit)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(unit)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(unit) || "/._-:=@".utf8.contains(unit)
        }
        return plain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }

    /// A value as `ssh_config` reads it back.
    static func quotedValue(_ value: String) -> String {
        let escaped = value.replacing("%", with: "%%")
        return escaped.contains(" ") ? "\"\(escaped)\"" : escaped
    }

    /// A name that may stand after `Host`: letters, digits, dots, dashes and underscores; anything else becomes a dash.
    static func hostPattern(_ machine: Machine) -> String {
        let name = "\(machine.path.resourceGroup ?? "")-\(machine.path.name)"
        return String(
            name.map { character in
                character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
                    ? character : "-"
            }
        )
    }
}

import Client
import Vocabulary

/// The words of an `ssh` command and the lines of an `ssh_config` that lead through the bastion to one machine.
struct SSHInvocation {
    let program: String
    let credentials: SSHCredentials
    let machine: Machine
    /// The way in; nil for a machine that this computer reaches by itself.
    let bastion: Bastion?
    let port: Int
    /// The address to go to, when no machine was named.
    var address: String?

    /// What ssh is told to connect to, and what the host certificate must name.
    private var alias: String { self.address ?? self.machine.alias }

    /// The words after `ssh`.
    func arguments(_ more: [String]) -> [String] {
        self.options.flatMap { ["-o", "\($0.name)=\($0.value)"] }
            + ["-l", self.credentials.loginName, self.alias] + more
    }

    /// An `ssh_config` section. The `Match exec` line renews the certificate before ssh reads it.
    func configuration(host: String) -> String {
        let renew = Self.quoted(self.program) + " ssh renew"
        return """
            # \(self.machine.path)
            Match originalhost \(host) exec "\(renew.replacing("\"", with: "\\\""))"
            Host \(host)
                HostName \(self.alias)
                User \(self.credentials.loginName)
            \(self.options.map { "    \($0.name) \($0.value)" }.joined(separator: "\n"))

            """
    }

    private var options: [(name: String, value: String)] {
        var options = [
            ("HostKeyAlias", self.alias),
            ("IdentityFile", Self.quotedValue(self.credentials.keyFile)),
            ("CertificateFile", Self.quotedValue(self.credentials.certificateFile)),
            ("IdentitiesOnly", "yes"),
            ("UserKnownHostsFile", Self.quotedValue(self.credentials.knownHostsFile)),
            ("GlobalKnownHostsFile", "none"),
            ("StrictHostKeyChecking", "yes"),
            ("UpdateHostKeys", "no"),
            ("PreferredAuthentications", "publickey"),
        ].map { (name: $0.0, value: $0.1) }
        guard let bastion = self.bastion else {
            options.append((name: "Port", value: String(self.port)))
            return options
        }
        let proxy = [
            self.program, "network", "bastion", "proxy", "--bastion-dns", bastion.dnsName, "--target-resource-id",
            self.machine.path.description, "--resource-port", String(self.port),
        ]
        let command = proxy.map { Self.quoted($0).replacing("%", with: "%%") }.joined(separator: " ")
        options.append((name: "ProxyCommand", value: command))
        return options
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

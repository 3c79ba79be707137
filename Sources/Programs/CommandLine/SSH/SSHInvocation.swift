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

    /// The words after `ssh`. Throws for names that no `ssh` command can carry safely.
    func arguments(_ more: [String]) throws(Problem) -> [String] {
        try self.check()
        return self.options.flatMap { ["-o", "\($0.name)=\($0.value)"] }
            + ["-l", self.credentials.loginName, self.destination] + more
    }

    /// An `ssh_config` section. The `Match exec` line renews the certificate before ssh reads it.
    ///
    /// Throws for names that `ssh_config` cannot carry. `host` must be plain (see `isPlain`).
    func configuration(host: String) throws(Problem) -> String {
        try self.check()
        return """
            # \(self.machine.path)
            Match originalhost \(host) exec "\(self.renewal)"
            Host \(host)
                HostName \(self.destination)
                User \(self.credentials.loginName)
            \(self.options.map { "    \($0.name) \($0.value)" }.joined(separator: "\n"))


            """
    }

    /// An `ssh_config` without the section that an earlier call wrote for a host: ssh would go by the first of two.
    static func removingSection(of host: String, from text: String) -> String {
        let sections = text.split(separator: "\n\n", omittingEmptySubsequences: false)
        let others = sections.filter { section in
            let lines = section.split(separator: "\n")
            return lines.count < 3 || !lines[0].hasPrefix("# /") || lines[2] != "Host \(host)"
                || !lines[1].hasPrefix("Match originalhost \(host) exec ")
        }
        return others.joined(separator: "\n\n")
    }

    // How ssh names the machine on its command line. It refuses some characters there, and a leading dash would be an option; the
    // certificate is checked against `HostKeyAlias`, so this need not be the alias itself.
    private var destination: String {
        if let address = self.address { return address }
        return Self.isPlain(self.machine.alias) ? self.machine.alias : "vm-" + Self.hostPattern(self.machine)
    }

    // Releases of ssh differ in how they read quotes and backslashes inside these quotes, so there must be none.
    private var renewal: String {
        let isSimple = !self.program.contains { "\"'\\".contains($0) }
        return (isSimple ? Self.quoted(self.program) : "sally").replacing("%", with: "%%") + " ssh renew"
    }

    // A line end would begin a line of its own in the configuration; quotes, backslashes and `${…}` cannot be written in file names there.
    private func check() throws(Problem) {
        let words = [self.program, self.bastion?.dnsName ?? "", self.machine.path.description, self.machine.alias]
        let files = [self.credentials.keyFile, self.credentials.certificateFile, self.credentials.knownHostsFile]
        for word in words + files {
            guard word.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
                throw Self.unwritable(word)
            }
        }
        for word in files + [self.machine.alias] {
            guard !word.contains("\""), !word.contains("\\"), !word.contains("${") else { throw Self.unwritable(word) }
        }
    }

    private static func unwritable(_ word: String) -> Problem {
        Problem("UnsafeName", shown: "'\(PrintableText.of(word))' has characters that cannot be handed to ssh safely.")
    }

    private var options: [(name: String, value: String)] {
        var options: [(name: String, value: String)] = [
            ("HostKeyAlias", self.address ?? Self.plainOrQuoted(self.machine.alias)),
            // The certificate beside it is found by its name. Named as a CertificateFile it would be offered after the bare key, and without the
            // bare key ssh would not find the private one.
            ("IdentityFile", Self.quotedValue(self.credentials.keyFile)),
            ("IdentitiesOnly", "yes"),
            // Not the bare key: sshd makes everybody wait after a refusal. The older of the option's two names.
            ("PubkeyAcceptedKeyTypes", "ssh-ed25519-cert-v01@openssh.com"),
            ("UserKnownHostsFile", Self.quotedValue(self.credentials.knownHostsFile)),
            ("GlobalKnownHostsFile", "none"),
            ("StrictHostKeyChecking", "yes"),
            ("UpdateHostKeys", "no"),
            ("PreferredAuthentications", "publickey"),
        ]
        guard let bastion = self.bastion else {
            options.append(("Port", String(self.port)))
            return options
        }
        let proxy = [
            self.program, "network", "bastion", "proxy", "--bastion-dns", bastion.dnsName, "--target-resource-id",
            self.machine.path.description, "--resource-port", String(self.port),
        ]
        let command = proxy.map { Self.quoted($0).replacing("%", with: "%%") }.joined(separator: " ")
        options.append(("ProxyCommand", command))
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

    /// A file name as `ssh_config` reads it back: a percent sign would begin a token, a space or apostrophe another word.
    static func quotedValue(_ value: String) -> String {
        Self.plainOrQuoted(value.replacing("%", with: "%%"))
    }

    private static func plainOrQuoted(_ value: String) -> String {
        let isPlain = value.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                    || "/._-:@%+,~".unicodeScalars.contains(scalar))
        }
        return isPlain && !value.isEmpty ? value : "\"\(value)\""
    }

    /// Whether a name can stand after `ssh` and after `Host` as it is: letters, digits, dots, dashes and underscores, no dash first.
    static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix("-") && name.unicodeScalars.allSatisfy(Self.isPlain)
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII
            && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                || "._-".unicodeScalars.contains(scalar))
    }

    /// A name that may stand after `Host`: letters, digits, dots, dashes and underscores; anything else becomes a dash.
    static func hostPattern(_ machine: Machine) -> String {
        let name = "\(machine.path.resourceGroup ?? "")-\(machine.path.name)"
        var pattern = String.UnicodeScalarView()
        for scalar in name.unicodeScalars { pattern.append(Self.isPlain(scalar) ? scalar : "-") }
        let plain = String(String(pattern).drop { $0 == "-" })
        return plain.isEmpty ? "machine" : plain
    }
}

/// What sshd is told: texts only. Source: sshd_config(5).
struct SSHDEdit: Hashable, Sendable {
    /// The version of OpenSSH, major and minor.
    var version: SSHDVersion
    /// The file with the authorities' keys.
    var caKeysFile: String
    /// The revocation list.
    var revocationFile: String
    /// Where the files lie that say whose certificates open an account.
    var principalsDirectory: String
    /// Certificates of the host's own keys that are in place.
    var hostCertificates: [String]
    /// Networks of relays.
    var relayNetworks: [String]
    /// Whether PAM has to be switched on.
    var switchesPAMOn: Bool

    /// The names that are ours: a user principal name, or an object id.
    static let pattern = "*@*,????????-????-????-????-????????????"

    /// What goes before any Match block.
    var globalLines: [String] {
        var lines = self.hostCertificates.map { "HostCertificate \($0)" }
        // Everybody behind a relay comes from its address: one person's failures must not lock the others out.
        if self.version >= SSHDVersion(9, 8), !self.relayNetworks.isEmpty {
            lines.append("PerSourcePenaltyExemptList \(self.relayNetworks.joined(separator: ","))")
        }
        if self.switchesPAMOn { lines.append("UsePAM yes") }
        return lines
    }

    /// The block for our names. The authorities are trusted inside it only, so that no certificate opens a local account.
    ///
    /// Files, not a command: sshd would run one for each look at a certificate, two times a login, for 2 ms each.
    var matchLines: [String] {
        [
            "Match User \(Self.pattern)",
            "    TrustedUserCAKeys \(self.caKeysFile)",
            "    RevokedKeys \(self.revocationFile)",
            "    AuthorizedPrincipalsFile \(Self.principalsFile(in: self.principalsDirectory, self.version))",
            "    AuthorizedPrincipalsCommand none",
            "    AuthorizedKeysFile none",
            "    AuthorizedKeysCommand none",
            "    PubkeyAuthentication yes",
            "    AuthenticationMethods publickey",
        ]
    }

    /// The file about an account, by its number where sshd can: a name may go over to somebody else while sshd looks.
    static func principalsFile(in directory: String, _ version: SSHDVersion) -> String {
        "\(directory)/\(version >= SSHDVersion(7, 8) ? "%U" : "%u")"
    }

    /// The whole of a file of our own in sshd's directory of parts.
    var dropIn: String {
        "# Managed by sally-agent. Removed by: sally-agent leave\n"
            + (self.globalLines + self.matchLines).map { $0 + "\n" }.joined()
    }

    /// The main file with our parts in it, for versions without `Include`: global lines first, the Match block last.
    func adding(toMain text: String) -> String {
        let bare = MarkedText.ended(MarkedText.removingAll(from: text))
        let head = self.globalLines.isEmpty ? "" : MarkedText.block("globals", self.globalLines)
        return head + bare + MarkedText.block("sign-in", self.matchLines)
    }

    /// The directory whose parts a main file includes before any Match block; nil when it includes none.
    static func includedDirectory(inMain text: String, mainFile: String) -> String? {
        for line in text.split(separator: "\n" as Character) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "=" })
            guard let keyword = words.first?.lowercased() else { continue }
            if keyword == "match" { return nil }
            guard keyword == "include" else { continue }
            for pattern in words.dropFirst() {
                let pattern = pattern.filter { $0 != "\"" }
                guard pattern.hasSuffix("/*.conf") else { continue }
                let directory = String(pattern.dropLast("/*.conf".count))
                if directory.hasPrefix("/") { return directory }
                return (HostFile.parent(of: mainFile) ?? "/etc/ssh") + "/" + directory
            }
        }
        return nil
    }
}

/// A version of OpenSSH.
struct SSHDVersion: Hashable, Comparable, Sendable {
    var major: Int
    var minor: Int

    init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Finds `OpenSSH_9.2` in what the program prints.
    init?(in text: String) {
        guard let mark = text.rangeAfter("OpenSSH_") else { return nil }
        let numbers = text[mark].split(separator: "." as Character, maxSplits: 1)
        guard numbers.count == 2, let major = Int(numbers[0]), let minor = Int(numbers[1].prefix { $0.isNumber }) else {
            return nil
        }
        self.init(major, minor)
    }

    static func < (left: SSHDVersion, right: SSHDVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}

extension String {
    /// What follows the first occurrence of a text.
    fileprivate func rangeAfter(_ text: String) -> Range<String.Index>? {
        var start = self.startIndex
        while start < self.endIndex {
            if self[start...].hasPrefix(text) {
                return self.index(start, offsetBy: text.count)..<self.endIndex
            }
            start = self.index(after: start)
        }
        return nil
    }
}

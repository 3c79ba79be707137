import Testing
import Vocabulary

@testable import HostAgent

@Suite("Editing the host's files")
struct ConfigurationEditTests {
    static let nameServices = """
        # comment
        passwd:         files systemd
        group:          files systemd
        shadow:         files systemd

        hosts:          files dns

        """

    @Test("puts the name service behind files and takes it out without a trace")
    func nameService() {
        let added = NameServiceEdit.adding(to: Self.nameServices)
        #expect(added.contains("passwd:         files sallyport systemd\n"))
        #expect(added.contains("group:          files sallyport systemd\n"))
        #expect(added.contains("shadow:         files systemd\n"))
        #expect(NameServiceEdit.isAdded(to: added))
        #expect(NameServiceEdit.adding(to: added) == added)
        #expect(NameServiceEdit.removing(from: added) == Self.nameServices)
    }

    @Test("leaves an action behind files where it is")
    func nameServiceWithAction() {
        let text = "passwd: files sss\ngroup: files [SUCCESS=merge] sss [NOTFOUND=return] # last\n"
        let added = NameServiceEdit.adding(to: text)
        #expect(
            added
                == "passwd: files sallyport sss\ngroup: files [SUCCESS=merge] sss [NOTFOUND=return] sallyport # last\n"
        )
        #expect(NameServiceEdit.removing(from: added) == text)
    }

    @Test("adds lines where there are none, and minds an initgroups line")
    func nameServiceMissing() {
        #expect(NameServiceEdit.adding(to: "") == "passwd: files sallyport\ngroup: files sallyport\n")
        #expect(NameServiceEdit.adding(to: "initgroups: files\n").hasPrefix("initgroups: files sallyport\n"))
    }

    static let pam = """
        @include common-auth
        account    required     pam_nologin.so
        @include common-account
        session    required     pam_loginuid.so
        @include common-password
        """

    @Test("puts the account line behind pam_nologin and the session line last")
    func pam() throws {
        let added = PAMEdit.adding(to: Self.pam + "\n")
        let lines = added.split(separator: "\n").map(String.init)
        let account = try #require(lines.firstIndex { $0.contains("pam_sallyport") })
        #expect(lines[account - 2].contains("pam_nologin"))
        #expect(lines[account + 2] == "@include common-account")
        #expect(lines.dropLast().last?.hasPrefix("session") == true)
        #expect(PAMEdit.isAdded(to: added))
        #expect(PAMEdit.adding(to: added) == added)
        #expect(MarkedText.removingAll(from: added) == Self.pam + "\n")
    }

    static let edit = SSHDEdit(
        version: SSHDVersion(9, 8),
        caKeysFile: "/etc/sallyport/user_ca_keys",
        revocationFile: "/etc/sallyport/revoked_keys",
        principalsDirectory: "/etc/sallyport/principals",
        hostCertificates: ["/etc/sallyport/host_ssh-ed25519-cert.pub"],
        relayNetworks: ["10.0.0.0/8"],
        switchesPAMOn: false
    )

    @Test("trusts the authorities inside the Match block only")
    func trust() throws {
        let match = try #require(Self.edit.dropIn.range(of: "Match User"))
        let trusted = try #require(Self.edit.dropIn.range(of: "TrustedUserCAKeys"))
        #expect(match < trusted)
        #expect(Self.edit.globalLines.allSatisfy { !$0.contains("Trusted") })
    }

    @Test("has sshd compare with the file of the account's number, or of its name where sshd knows no numbers")
    func principalsFiles() {
        #expect(Self.edit.matchLines.contains("    AuthorizedPrincipalsFile /etc/sallyport/principals/%U"))
        #expect(Self.edit.matchLines.contains("    AuthorizedPrincipalsCommand none"))
        var older = Self.edit
        older.version = SSHDVersion(7, 7)
        #expect(older.matchLines.contains("    AuthorizedPrincipalsFile /etc/sallyport/principals/%u"))
    }

    @Test("spares relays from penalties only where sshd knows them")
    func penalties() {
        #expect(Self.edit.globalLines.contains("PerSourcePenaltyExemptList 10.0.0.0/8"))
        var older = Self.edit
        older.version = SSHDVersion(9, 2)
        #expect(older.globalLines.allSatisfy { !$0.hasPrefix("PerSource") })
    }

    @Test("edits a main file without Include at both ends, again without growing, and takes it out without a trace")
    func mainFile() {
        let main = "Port 22\nMatch User bob\n    X11Forwarding no\n"
        let added = Self.edit.adding(toMain: main)
        #expect(added.hasPrefix("# BEGIN sallyport globals"))
        #expect(added.hasSuffix("# END sallyport sign-in\n"))
        #expect(Self.edit.adding(toMain: added) == added)
        #expect(MarkedText.removingAll(from: added) == main)
    }

    @Test("finds the directory of parts, but not behind a Match block")
    func include() {
        let usual = "# x\nInclude /etc/ssh/sshd_config.d/*.conf\nPort 22\n"
        #expect(SSHDEdit.includedDirectory(inMain: usual, mainFile: "/etc/ssh/sshd_config") == "/etc/ssh/sshd_config.d")
        #expect(
            SSHDEdit.includedDirectory(inMain: "include parts/*.conf\n", mainFile: "/etc/ssh/sshd_config")
                == "/etc/ssh/parts"
        )
        #expect(SSHDEdit.includedDirectory(inMain: "Match all\nInclude /a/*.conf\n", mainFile: "/x") == nil)
        #expect(SSHDEdit.includedDirectory(inMain: "Port 22\n", mainFile: "/x") == nil)
    }

    @Test(
        "reads sshd's version from what it prints",
        arguments: [
            ("OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.11", SSHDVersion(9, 2)),
            ("unknown option -- V\nOpenSSH_7.4p1, OpenSSL 1.0.2k-fips", SSHDVersion(7, 4)),
            ("OpenSSH_10.0p2 Debian", SSHDVersion(10, 0)),
        ]
    )
    func version(_ text: String, _ version: SSHDVersion) {
        #expect(SSHDVersion(in: text) == version)
    }

    @Test("compares versions as numbers")
    func versionOrder() {
        #expect(SSHDVersion(9, 10) > SSHDVersion(9, 8))
        #expect(SSHDVersion(10, 0) > SSHDVersion(9, 9))
        #expect(SSHDVersion(in: "dropbear") == nil)
    }
}

extension String {
    /// Where a text begins; nil when it does not occur.
    fileprivate func range(of text: String) -> String.Index? {
        self.indices.first { self[$0...].hasPrefix(text) }
    }
}

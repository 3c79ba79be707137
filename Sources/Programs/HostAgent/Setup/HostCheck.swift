import AgentWire
import FoundationEssentials
import Vocabulary

/// Looks at everything that signing in needs on a host.
struct HostCheck: Sendable {
    /// One thing looked at.
    struct Finding: Hashable, Sendable {
        /// What should be so.
        var what: String
        var isGood: Bool
        /// What to do when it is not.
        var remedy: String
    }

    let layout: HostLayout
    let configuration: AgentConfiguration

    /// Everything, in the order in which a login meets it.
    func findings() -> [Finding] {
        [
            self.file(
                self.layout.machineKeyFile,
                "this machine has its key",
                mode: 0o600,
                "Join again: sally-agent join --force"
            ),
            self.agent(),
            self.nameService(),
            self.pam(),
            self.auditSessions(),
            self.modules(),
            self.file(
                self.layout.caKeysFile,
                "the signing keys are there",
                mode: 0o644,
                "Wait for the server, or restart the agent."
            ),
            self.file(
                self.layout.revocationFile,
                "the revocation list is there",
                mode: 0o644,
                "Wait for the server, or restart the agent."
            ),
        ] + self.sshd() + [self.sudo()] + self.desktops()
    }

    /// Whether this machine's clock is near enough to the server's, which says only whole seconds; from a minute on nothing works.
    static func clock(_ now: Instant, server seconds: Int64) -> Finding {
        let ahead = now.seconds - seconds
        return Finding(
            what: "the clock is right"
                + (abs(ahead) > 2 ? ": \(abs(ahead)) s \(ahead > 0 ? "ahead of" : "behind") the server's" : ""),
            isGood: abs(ahead) <= 30,
            remedy:
                "Set the clock, here or on the server: `timedatectl` says whether something keeps it right."
        )
    }

    /// The time in a `Date` header, `Sat, 21 Nov 2026 15:38:50 GMT`. Source: RFC 9110 section 5.6.7, IMF-fixdate.
    static func instant(_ header: String) -> Instant? {
        let words = header.split(separator: " " as Character)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2]))
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        let text = "\(words[3])-\(number)-\(words[1])T\(words[4])Z"
        guard let date = try? Date(text, strategy: .iso8601) else { return nil }
        return Instant(seconds: Int64(date.timeIntervalSince1970))
    }

    private func agent() -> Finding {
        let isThere = (try? AgentQuestion.agentProcess(self.layout)) != nil
        return Finding(
            what: "the agent answers at \(self.layout.socketFile)",
            isGood: isThere,
            remedy: "Start it: systemctl start sally-agent, or sally-agent run"
        )
    }

    private func nameService() -> Finding {
        Finding(
            what: "\(self.layout.nameServiceFile) asks us for accounts and groups",
            isGood: HostFile.text(self.layout.nameServiceFile).map(NameServiceEdit.isAdded) ?? false,
            remedy:
                "Switch signing in on at the server; a tool that rewrites this file (authselect) may have taken us out."
        )
    }

    private func pam() -> Finding {
        Finding(
            what: "\(self.layout.pamFile) asks us who may enter",
            isGood: HostFile.text(self.layout.pamFile).map(PAMEdit.isAdded) ?? false,
            remedy: "Switch signing in on at the server; a hardening tool may have rewritten the file."
        )
    }

    private func auditSessions() -> Finding {
        let lines = HostFile.text(self.layout.pamFile)?.split(separator: "\n" as Character) ?? []
        return Finding(
            what: "each login gets an audit session (pam_loginuid in \(self.layout.pamFile))",
            isGood: lines.contains { $0.first != "#" && $0.contains("pam_loginuid.so") },
            remedy:
                "Add `session required pam_loginuid.so`: without it, processes that detach from a session are harder to find."
        )
    }

    /// Whether the modules are in their places, byte for byte as the agent brought them: another version may speak another protocol, and
    /// a changed one is somebody else's program in sshd and in everything that looks up a name.
    func modules() -> Finding {
        let what = "the modules are installed as the agent brought them"
        guard let places = try? ModuleFiles(self.layout) else {
            return Finding(what: what, isGood: false, remedy: "This system has no glibc or no PAM.")
        }
        let sources = self.configuration.modules ?? self.layout.helperDirectory
        var faults: [String] = []
        for (name, path) in places.all {
            let installed = (try? HostFile.read(path)).flatMap { $0 }
            let brought = (try? HostFile.read("\(sources)/\(name)")).flatMap { $0 }
            if installed == nil {
                faults.append("\(path) is missing")
            } else if brought == nil {
                faults.append("\(sources)/\(name), to compare with, is missing")
            } else if installed != brought {
                faults.append("\(path) is another one than \(sources)/\(name)")
            }
        }
        return Finding(
            what: what,
            isGood: faults.isEmpty,
            remedy: faults.joined(separator: "; ") + ". Restart the agent, which installs them again."
        )
    }

    private func sshd() -> [Finding] {
        do {
            let sshd = try SSHDControl.find(self.configuration, self.layout)
            try sshd.test()
            let settings = try sshd.settings(for: "probe@sallyport.invalid")
            let plain = try sshd.settings(for: "root")
            return [
                Finding(what: "sshd accepts its configuration", isGood: true, remedy: ""),
                Finding(
                    what: "sshd goes by us about our names",
                    isGood: settings["authorizedprincipalsfile"]
                        == SSHDEdit.principalsFile(in: self.layout.principalsDirectory, try sshd.version())
                        && settings["authorizedprincipalscommand"] ?? "none" == "none"
                        && settings["trustedusercakeys"] == self.layout.caKeysFile,
                    remedy:
                        "An earlier Match block for the same names wins over ours: look for it with sshd -T -C user=a@b,host=h,addr=127.0.0.1"
                ),
                Finding(
                    what: "sshd trusts our signing keys for no local account",
                    isGood: plain["trustedusercakeys"] != self.layout.caKeysFile,
                    remedy: "Remove TrustedUserCAKeys \(self.layout.caKeysFile) from outside the Match block."
                ),
                Finding(
                    what: "sshd uses PAM",
                    isGood: plain["usepam"] == "yes",
                    remedy: "Set UsePAM yes in sshd's configuration."
                ),
                Self.authorities(HostFile.text(self.layout.caKeysFile) ?? "", settings),
                self.userLists(settings),
            ]
        } catch {
            return [Finding(what: "sshd accepts its configuration", isGood: false, remedy: "\(error)")]
        }
    }

    /// Whether sshd believes the signatures of the authorities: hardening guides leave algorithms out. Source: sshd_config(5), CASignatureAlgorithms.
    static func authorities(_ keys: String, _ settings: [String: String]) -> Finding {
        let believed = settings["casignaturealgorithms"]?.split(separator: "," as Character).map(String.init)
        let types = Set(keys.split(separator: "\n" as Character).compactMap { $0.split(separator: " ").first })
        let missing = types.sorted().filter { type in
            let names = type == "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [String(type)]
            return believed.map { believed in !names.contains { believed.contains($0) } } ?? false
        }
        return Finding(
            what: "sshd believes what our signing keys sign",
            isGood: missing.isEmpty,
            remedy:
                "Add \(missing.joined(separator: ",")) to CASignatureAlgorithms in sshd's configuration, "
                + "or have the server sign with another type of key (ssh-ca-type)."
        )
    }

    private func userLists(_ settings: [String: String]) -> Finding {
        let groups = settings["allowgroups"]?.split(separator: " " as Character).map(String.init) ?? []
        let ours = [AccountNumbers.usersName, AccountNumbers.administratorsName]
        let hasGroup = groups.isEmpty || groups.contains { ours.contains($0) || $0.contains("*" as Character) }
        let users = settings["allowusers"]?.split(separator: " " as Character).map(String.init) ?? []
        let denied = settings["denygroups"]?.split(separator: " " as Character).map(String.init) ?? []
        // sshd reads an @ in these lists as USER@HOST, so a name of ours cannot stand there; `?` matches the @.
        return Finding(
            what: "sshd's lists of users and groups let our people in",
            isGood: hasGroup && users.allSatisfy { !$0.contains("@" as Character) }
                && (users.isEmpty || users.contains { $0.contains("*" as Character) })
                && denied.allSatisfy { !ours.contains($0) },
            remedy:
                "Add \(AccountNumbers.usersName) to AllowGroups, take it out of DenyGroups, and write names of ours in AllowUsers "
                + "as *?contoso.example: with an @, sshd would read them as USER@HOST."
        )
    }

    private func sudo() -> Finding {
        let path = self.layout.sudoersFile
        let mode = HostFile.attributes(path)?.mode
        return Finding(
            what: "administrators may use sudo",
            isGood: mode == 0o440 || !HostFile.exists(HostFile.parent(of: path) ?? "/"),
            remedy: "\(path) is missing or not of mode 0440; the server may have switched this off."
        )
    }

    private func desktops() -> [Finding] {
        let service = DesktopService(layout: self.layout, configuration: self.configuration)
        if let command = self.configuration.desktopCredentialCommand {
            return [
                Finding(
                    what: "the program that sets passwords for desktops is there (\(command.first ?? ""))",
                    isGood: command.first.map(HostFile.exists) ?? false,
                    remedy: "Install it, or take desktopCredentialCommand out of \(self.layout.configurationFile)."
                )
            ]
        }
        guard service.hasXRDP else { return [] }
        return [
            Finding(
                what: "\(self.layout.xrdpPAMFile) asks us about passwords and who may enter",
                isGood: HostFile.text(self.layout.xrdpPAMFile).map(PAMEdit.isDesktopAdded) ?? false,
                remedy: "Switch signing in on at the server, or restart the agent: xrdp may have been installed since."
            ),
            Finding(
                what: "xrdp has a certificate that clients can be told of",
                isGood: service.report.map { !$0.certificate.isEmpty } ?? false,
                remedy: "Set security_layer=tls, certificate and key_file in \(self.layout.xrdpConfigurationFile)."
            ),
        ]
    }

    private func file(_ path: String, _ what: String, mode: UInt32, _ remedy: String) -> Finding {
        let attributes = HostFile.attributes(path)
        return Finding(
            what: "\(what) (\(path))",
            isGood: attributes.map { $0.uid == 0 && $0.mode == mode } ?? false,
            remedy: attributes == nil ? remedy : "It must belong to root and have mode \(String(mode, radix: 8))."
        )
    }
}

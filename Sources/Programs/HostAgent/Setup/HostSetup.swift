import AgentWire
import FoundationEssentials
import SSHWire

/// Makes the host ready for people of the directory, and undoes it. Blocks: call it where that harms nobody.
struct HostSetup: Sendable {
    let layout: HostLayout
    let configuration: AgentConfiguration
    /// The numbers of those who are administrators now.
    var administrators: @Sendable () -> [Int64] = { [] }

    /// What a host needs to be told, apart from whether signing in is on.
    private var modules: String { self.configuration.modules ?? self.layout.helperDirectory }

    /// Writes what the server says about keys: sshd reads these files at every login, so no reload is needed.
    func writeKeys(_ told: HostConfiguration) throws(HostAgentError) {
        try HostFile.makeDirectory(self.layout.configurationDirectory, mode: 0o755)
        var lines: [String] = []
        for line in told.caKeys {
            // Only keys that parse go into the file: nothing else of the server's text reaches sshd's parser.
            guard let key = try? SSHPublicKey(line: line) else { throw .configuration("a signing key is no SSH key") }
            lines.append(key.line() + "\n")
        }
        guard let list = Data(base64Encoded: told.revocationList) else {
            throw .configuration("the revocation list is not base64")
        }
        // The list first: a login between the two must not find new keys with an old list.
        try self.replaceIfChanged(self.layout.revocationFile, Array(list))
        try self.replaceIfChanged(self.layout.caKeysFile, Array(lines.joined().utf8))
    }

    /// Makes everything as it has to be for people to sign in; on failure puts sshd's files back and throws.
    func enable(_ told: HostConfiguration) throws(HostAgentError) {
        try self.writeKeys(told)
        let places = try ModuleFiles(self.layout)
        let sshd = try SSHDControl.find(self.configuration, self.layout)
        var originals = Originals(self.layout)
        let before = originals.paths
        do throws(HostAgentError) {
            for (name, path) in places.all {
                guard let module = try HostFile.read("\(self.modules)/\(name)") else {
                    throw .missing("\(self.modules)/\(name)")
                }
                if "\(self.modules)/\(name)" != path { try originals.place(path, module, .root(0o755)) }
            }
            try self.edit(self.layout.nameServiceFile, &originals, NameServiceEdit.adding)
            try self.edit(self.layout.pamFile, &originals, PAMEdit.adding)
            if HostFile.exists(self.layout.xrdpPAMFile) {
                try self.edit(self.layout.xrdpPAMFile, &originals, PAMEdit.addingDesktop)
            }
            try self.writeSudoers(told.adminsSudo, &originals)
            try self.configure(sshd, told, &originals)
        } catch {
            // Whatever this call put in place goes; what an earlier one put in place and was found good stays.
            if before.isEmpty { try? self.disable() }
            throw error
        }
    }

    /// Takes everything out again.
    func disable() throws(HostAgentError) {
        var originals = Originals(self.layout)
        let sshd = try? SSHDControl.find(self.configuration, self.layout)
        let touchesSSHD = originals.paths.contains {
            $0 == sshd?.configurationFile || $0.hasSuffix("10-sallyport.conf")
        }
        // In the opposite order: nothing may refer to what is already gone.
        for path in originals.paths.reversed() {
            try originals.restore(path) { text in
                path.hasSuffix("/nsswitch.conf")
                    ? NameServiceEdit.removing(from: text) : MarkedText.removingAll(from: text)
            }
        }
        if touchesSSHD, let sshd {
            try sshd.test()
            try sshd.reload()
        }
    }

    /// Whether signing in is on and xrdp, installed since, does not know of it yet.
    var missesDesktops: Bool {
        self.isEnabled && HostFile.text(self.layout.xrdpPAMFile).map { !PAMEdit.isDesktopAdded(to: $0) } ?? false
    }

    /// Whether anything of ours is in place.
    var isEnabled: Bool { !Originals(self.layout).paths.isEmpty }

    private func edit(
        _ path: String,
        _ originals: inout Originals,
        _ change: (String) -> String
    ) throws(HostAgentError) {
        guard let current = try HostFile.read(path) else { throw .missing(path) }
        let text = String(decoding: current, as: UTF8.self)
        let changed = change(text)
        if changed != text { try originals.place(path, Array(changed.utf8)) }
    }

    private func writeSudoers(_ isWanted: Bool, _ originals: inout Originals) throws(HostAgentError) {
        guard isWanted, let directory = HostFile.parent(of: self.layout.sudoersFile), HostFile.exists(directory) else {
            return try originals.restore(self.layout.sudoersFile)
        }
        try originals.place(self.layout.sudoersFile, self.sudoers, .root(0o440))
        guard let visudo = HostProgram.find(["/usr/sbin/visudo", "/usr/bin/visudo"]) else { return }
        let outcome = try HostProgram.run([visudo, "-c", "-f", self.layout.sudoersFile])
        guard outcome.status == 0 else {
            try originals.restore(self.layout.sudoersFile)
            throw .program(name: "visudo", said: outcome.sentence)
        }
    }

    /// Brings the list of administrators up to date where it is in place; the next `sudo` goes by it, in running sessions too.
    func refreshSudoers() throws(HostAgentError) {
        guard Originals(self.layout).paths.contains(self.layout.sudoersFile) else { return }
        guard try HostFile.read(self.layout.sudoersFile) != self.sudoers else { return }
        try HostFile.replace(self.layout.sudoersFile, with: self.sudoers, .root(0o440))
    }

    // Numbers, not the group: sudo goes by the groups that a session's processes began with, and those outlive the role. Source: sudo.conf(5),
    // group_source. A number needs no quoting either, whatever the name holds.
    private var sudoers: [UInt8] {
        let lines = self.administrators().sorted().map { "#\($0) ALL=(ALL:ALL) NOPASSWD: ALL\n" }
        return Array(("# Managed by sally-agent: who is an administrator here now.\n" + lines.joined()).utf8)
    }

    private func configure(
        _ sshd: SSHDControl,
        _ told: HostConfiguration,
        _ originals: inout Originals
    ) throws(HostAgentError) {
        let version = try sshd.version()
        guard version >= SSHDVersion(7, 4) else {
            throw .missing("OpenSSH 7.4 or newer (this is \(version.major).\(version.minor))")
        }
        let main = sshd.configurationFile
        guard let text = try HostFile.read(main).map({ String(decoding: $0, as: UTF8.self) }) else {
            throw .missing(main)
        }
        let directory = SSHDEdit.includedDirectory(inMain: text, mainFile: main)
        let dropIn = version >= SSHDVersion(8, 2) ? directory.map { "\($0)/10-sallyport.conf" } : nil
        // PAM is on when sshd says so without us; what we once had to add stays.
        let own =
            MarkedText.lines(in: text)
            + (dropIn.flatMap { HostFile.text($0) } ?? "").split(separator: "\n" as Character)
        let usesPAM = try sshd.settings(for: "root")["usepam"] == "yes"
        let edit = SSHDEdit(
            version: version,
            caKeysFile: self.layout.caKeysFile,
            revocationFile: self.layout.revocationFile,
            principalsDirectory: self.layout.principalsDirectory,
            hostCertificates: try self.writeHostCertificates(told),
            relayNetworks: told.relayNetworks.filter(Self.isNetwork),
            switchesPAMOn: own.contains("UsePAM yes") || !usesPAM
        )
        let path = dropIn ?? main
        let content = dropIn == nil ? edit.adding(toMain: text) : edit.dropIn
        let current = try HostFile.read(path)
        guard current != Array(content.utf8) else { return }
        let attributes = HostFile.attributes(path) ?? .root(0o600)
        try originals.place(path, Array(content.utf8), attributes)
        do throws(HostAgentError) {
            try sshd.test()
        } catch {
            // Back to what sshd was content with before.
            if let current {
                try originals.place(path, current, attributes)
            } else {
                try originals.restore(path)
            }
            throw error
        }
        try sshd.reload()
    }

    private func writeHostCertificates(_ told: HostConfiguration) throws(HostAgentError) -> [String] {
        var paths: [String] = []
        for line in told.hostCertificates {
            guard let certificate = try? SSHCertificate(line: line), certificate.contents.kind == .host else {
                continue
            }
            let path = "\(self.layout.configurationDirectory)/host_\(certificate.contents.key.type.rawValue)-cert.pub"
            try self.replaceIfChanged(path, Array((certificate.line() + "\n").utf8))
            paths.append(path)
        }
        return paths
    }

    private func replaceIfChanged(_ path: String, _ bytes: [UInt8]) throws(HostAgentError) {
        guard try HostFile.read(path) != bytes else { return }
        try HostFile.replace(path, with: bytes, .root(0o644))
    }

    /// An address with an optional prefix length, and nothing that could end the line.
    private static func isNetwork(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 49
            && text.utf8.allSatisfy { unit in
                switch unit {
                case UInt8(ascii: "0")...UInt8(ascii: ":"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "."),
                    UInt8(ascii: "/"), UInt8(ascii: "A")...UInt8(ascii: "F"):
                    true
                default: false
                }
            }
    }
}

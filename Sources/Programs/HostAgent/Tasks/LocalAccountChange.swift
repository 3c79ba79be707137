import AgentWire
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Makes, changes and removes local accounts, as the VMAccess extension for Linux does.
///
/// Never those of the system (numbers below 1000, and nobody), and never the directory's people: those come from the server.
struct LocalAccountChange: Sendable {
    private static let firstNumber: UInt32 = 1000

    let layout: HostLayout

    /// A local account as its line in the passwd file says.
    private struct Account {
        let number: UInt32
        let group: UInt32
        let home: String
    }

    /// Makes the account if there is none; sets its password, and lets a key in beside those that are let in already.
    func set(_ name: String, password: String?, publicKey: String?) throws(HostAgentError) {
        try Self.check(name)
        guard password != nil || publicKey != nil else {
            throw .configuration("a password or a public key is needed for '\(name)'")
        }
        if let known = self.account(name) {
            try Self.checkNumber(known.number, name)
        } else {
            let shell = HostProgram.find([self.layout.path("/bin/bash")]).map { _ in "/bin/bash" } ?? "/bin/sh"
            try Self.run(["/usr/sbin/useradd", "--create-home", "--shell", shell, name])
        }
        guard let account = self.account(name) else { throw .configuration("'\(name)' was not made") }
        if let password {
            guard !password.contains(where: \.isNewline) else {
                throw .configuration("a password is one line")
            }
            try Self.run(["/usr/sbin/chpasswd"], input: Array("\(name):\(password)\n".utf8))
        }
        if let publicKey {
            let lines = publicKey.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.isEmpty }
            try AuthorizedKeys(home: account.home, number: account.number, group: account.group).add(lines)
        }
        try self.writeSudoers(name, needsPassword: password != nil)
    }

    /// Removes the account with its home directory; one that is not there is as good.
    func remove(_ name: String) throws(HostAgentError) {
        try Self.check(name)
        if let account = self.account(name) {
            try Self.checkNumber(account.number, name)
            let outcome = try HostProgram.run(["/usr/sbin/userdel", "--force", "--remove", name])
            // 12: the home directory could not be removed, 6: the account went meanwhile. Source: userdel(8).
            guard [0, 6, 12].contains(outcome.status) else { throw .program(name: "userdel", said: outcome.sentence) }
        }
        try HostFile.remove(self.sudoersFile(of: name))
    }

    // Administrators by number, so that the name needs no quoting.
    private func writeSudoers(_ name: String, needsPassword: Bool) throws(HostAgentError) {
        guard let number = self.account(name)?.number else { return }
        let file = self.sudoersFile(of: name)
        guard !needsPassword || !HostFile.exists(file) else { return }
        try HostFile.makeDirectory(HostFile.parent(of: file) ?? "/etc/sudoers.d", mode: 0o755)
        let line = "#\(number) ALL=(ALL:ALL) \(needsPassword ? "" : "NOPASSWD: ")ALL\n"
        try HostFile.replace(file, with: Array(("# Managed by sally-agent.\n" + line).utf8), .root(0o440))
    }

    private func sudoersFile(of name: String) -> String { "\(self.layout.sudoersFile)-user-\(name)" }

    private func account(_ name: String) -> Account? {
        for line in (HostFile.text(self.layout.passwdFile) ?? "").split(separator: "\n" as Character) {
            let fields = line.split(separator: ":" as Character, omittingEmptySubsequences: false)
            guard fields.count == 7, fields[0] == name, let number = UInt32(fields[2]), let group = UInt32(fields[3])
            else { continue }
            return Account(number: number, group: group, home: String(fields[5]))
        }
        return nil
    }

    /// What useradd(8) allows by itself, in any letter case. No dot: sudo passes over files with one.
    static func check(_ name: String) throws(HostAgentError) {
        let units = Array(name.utf8)
        let isWord = units.allSatisfy { unit in
            unit == UInt8(ascii: "_") || unit == UInt8(ascii: "-")
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= unit || UInt8(ascii: "a")...UInt8(ascii: "z") ~= unit | 0x20
        }
        let begins = units.first.map { $0 != UInt8(ascii: "-") && !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0) }
        guard isWord, begins == true, units.count <= 32 else {
            throw .configuration(
                "'\(PrintableText.of(name, limit: 64))' is no name for a local account: up to 32 letters, digits, '-' and "
                    + "'_', beginning with a letter"
            )
        }
    }

    private static func checkNumber(_ number: UInt32, _ name: String) throws(HostAgentError) {
        guard number >= self.firstNumber, number < 65_534 else {
            throw .configuration("'\(name)' is an account of the system and is left alone")
        }
    }

    private static func run(_ line: [String], input: [UInt8] = []) throws(HostAgentError) {
        let outcome = try HostProgram.run(line, input: input)
        guard outcome.status == 0 else {
            throw .program(
                name: line[0].split(separator: "/" as Character).last.map(String.init) ?? line[0],
                said: outcome.sentence
            )
        }
    }
}

import Vocabulary

/// What the local administrator of a new machine may be called and sign in with.
///
/// Source: Azure virtual machines REST, `osProfile`; Azure "FAQ about Linux virtual machines", user names and passwords.
enum AdministratorRules {
    /// Names that are taken on common systems, or the first that attackers try.
    private static let reserved: Set<String> = [
        "1", "123", "a", "actuser", "adm", "admin", "admin1", "admin2", "administrator", "aspnet", "backup", "bin",
        "console", "daemon", "david", "games", "guest", "irc", "john", "list", "lp", "mail", "man", "news", "nobody",
        "owner", "proxy", "root", "server", "sql", "sshd", "support", "support_388945a0", "sync", "sys", "test",
        "test1",
        "test2", "test3", "user", "user1", "user2", "user3", "user4", "user5", "uucp", "www-data",
    ]

    /// Judges the profile of a machine that is to be made, with the secrets that are in the body only.
    static func check(_ body: JSONValue?, isNew: Bool) throws(Problem) {
        guard let profile = body?.member("osProfile"), !profile.isNull else {
            guard !isNew else { throw Self.wrong("osProfile", "is needed to make a machine from an image") }
            return
        }
        if let name = profile.member("computerName")?.string ?? profile.member("computerNamePrefix")?.string {
            try Self.check(hostName: name)
        }
        guard let name = profile.member("adminUsername")?.string else {
            guard !isNew else { throw Self.wrong("adminUsername", "is missing") }
            return
        }
        try Self.check(name: name)
        let linux = profile.member("linuxConfiguration")
        let keys = linux?.member("ssh")?.member("publicKeys")?.array ?? []
        for key in keys { try Self.check(key: key, of: name) }
        let password = profile.member("adminPassword")?.string
        if let password { try Self.check(password: password) }
        if let script = profile.member("customData"), !script.isNull {
            guard let text = script.string, text.utf8.count <= 87_400, Base64.decode(text) != nil else {
                throw Self.wrong("customData", "must be base 64 of at most 64 KB")
            }
        }
        guard isNew else { return }
        let isDisabled = linux?.member("disablePasswordAuthentication")?.bool == true
        guard !isDisabled || password == nil else {
            throw Self.wrong("adminPassword", "must not be there when disablePasswordAuthentication is true")
        }
        guard !isDisabled || !keys.isEmpty else {
            throw Self.wrong("linuxConfiguration.ssh.publicKeys", "is needed when password authentication is disabled")
        }
        guard !keys.isEmpty || password != nil else {
            throw Self.wrong("adminPassword", "is missing, and there is no SSH key either")
        }
    }

    static func check(name: String) throws(Problem) {
        guard !Self.reserved.contains(name.lowercased()) else {
            throw Problem("InvalidParameter", shown: "The Admin Username specified is not allowed.")
        }
        guard (1...32).contains(name.utf8.count), let first = name.utf8.first,
            first == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first),
            name.last != ".", name.utf8.allSatisfy({ Self.isName($0) })
        else {
            throw Self.wrong(
                "adminUsername",
                "is 1 to 32 lower-case letters, digits, '-', '_' and '.', begins with a letter and does not end with '.'"
            )
        }
    }

    static func check(password: String) throws(Problem) {
        let units = Array(password.utf8)
        let kinds: [(UInt8) -> Bool] = [
            { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) },
            { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) },
            { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) },
            { unit in
                let isWord = { (one: Character) in one.isLetter || one.isNumber }
                return unit >= 0x80 || (unit > 0x20 && unit < 0x7f && !isWord(Character(UnicodeScalar(unit))))
            },
        ]
        let count = kinds.count { kind in units.contains(where: kind) }
        guard (6...72).contains(password.count), count >= 3, !units.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw Problem(
                "InvalidParameter",
                shown:
                    "The supplied password must be 6 to 72 characters long and hold three of these: a capital letter, a "
                    + "small letter, a digit, a special character; and no control characters."
            )
        }
        let known = [
            "abc@123", "p@$$w0rd", "p@ssw0rd", "p@ssword123", "pa$$word", "pass@word1", "password!", "password1",
            "password22", "iloveyou!",
        ]
        guard !known.contains(password.lowercased()) else {
            throw Problem("InvalidParameter", shown: "The supplied password is among those that everybody tries.")
        }
    }

    private static func check(hostName: String) throws(Problem) {
        guard (1...64).contains(hostName.utf8.count), hostName.first != "-", hostName.last != ".",
            hostName.utf8.allSatisfy({ unit in
                Self.isName(unit) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(unit)
            }), !hostName.contains("_")
        else {
            throw Self.wrong("computerName", "is 1 to 64 letters, digits, '-' and '.'")
        }
    }

    private static func check(key: JSONValue, of name: String) throws(Problem) {
        if let path = key.member("path")?.string, path != "/home/\(name)/.ssh/authorized_keys" {
            throw Self.wrong(
                "linuxConfiguration.ssh.publicKeys.path",
                "can only be '/home/\(name)/.ssh/authorized_keys'"
            )
        }
        guard let line = key.member("keyData")?.string, Self.isPublicKey(line) else {
            throw Self.wrong(
                "linuxConfiguration.ssh.publicKeys.keyData",
                "is not an SSH public key such as 'ssh-ed25519 AAAA…' in one line"
            )
        }
    }

    /// Whether a text is one line of key type, key and perhaps a comment, whose key says the same type. Options would be commands.
    static func isPublicKey(_ line: String) -> Bool {
        var text = line[...]
        while let last = text.last, last.isNewline || last == " " { text.removeLast() }
        guard text.utf8.count <= 16_384, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return false }
        let parts = text.split(separator: " " as Character, maxSplits: 2)
        let types = [
            "ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
            "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
        ]
        guard parts.count >= 2, types.contains(String(parts[0])), let blob = Base64.decode(String(parts[1])) else {
            return false
        }
        let type = Array(parts[0].utf8)
        let length = [0, 0, 0, UInt8(type.count)]
        return blob.count > type.count + 36 && Array(blob.prefix(4)) == length
            && Array(blob[4..<4 + type.count]) == type
    }

    private static func isName(_ unit: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(unit) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(unit)
            || "-_.".utf8.contains(unit)
    }

    private static func wrong(_ place: String, _ what: String) -> Problem {
        Problem("InvalidParameter", shown: "The value of parameter '\(place)' is invalid: it \(what).")
    }
}

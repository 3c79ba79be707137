import Vocabulary

/// A user name that may exist: it ends up in certificates, account databases and sudo rules, so it is ASCII and has no separators.
///
/// Letters, digits and `' . - _ ! # ^ ~`, at most 64 characters before the `@`, 48 after it and 113 in all, no dot before the `@`. Source: Microsoft
/// Entra ID, "Password policies and restrictions". Stricter than there: the first character is a letter, digit or underscore (a name must not
/// look like an option or a hidden file), there are no two dots in a row, and names of system accounts are refused.
struct UserPrincipalName: Hashable, Sendable {
    /// As written.
    let text: String
    /// In lower case: what is compared and what certificates carry.
    let key: String
    /// Whether it names somebody from another organisation: `name_domain#EXT#@domain`.
    let isExternal: Bool

    /// Checks a name against the rules and the tenant's domains. Throws `Request_BadRequest`.
    init(_ text: String, in tenant: Tenant) throws(Problem) {
        let units = Array(text.utf8)
        guard units.count <= 113 else { throw .badUserName("it is longer than 113 characters") }
        guard units.allSatisfy(Self.isAllowed) else {
            throw .badUserName("only ASCII letters, digits and ' . - _ ! # ^ ~ are possible before and after the one @")
        }
        let parts = units.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { throw .badUserName("it must have the form name@domain") }
        let local = String(decoding: parts[0], as: UTF8.self)
        let domain = String(decoding: parts[1], as: UTF8.self)
        guard parts[0].count <= 64 else { throw .badUserName("the part before the @ is longer than 64 characters") }
        guard let first = parts[0].first, Name.isLetterOrDigit(first) || first == UInt8(ascii: "_") else {
            throw .badUserName("it must begin with a letter, a digit or an underscore")
        }
        guard local.last != ".", !local.contains("..") else { throw .badUserName("a dot stands in the wrong place") }
        guard tenant.owns(domain: domain) else {
            throw .badUserName("it must end in @\(tenant.domains.joined(separator: " or @"))")
        }
        let lower = local.lowercased()
        guard !Self.reserved.contains(lower), !lower.hasPrefix("systemd-") else {
            throw .badUserName("“\(lower)” is the name of a system account")
        }
        self.text = text
        self.key = text.lowercased()
        self.isExternal = lower.hasSuffix("#ext#")
    }

    private static func isAllowed(_ unit: UInt8) -> Bool {
        Name.isLetterOrDigit(unit) || "'.-_!#^~@".utf8.contains(unit)
    }

    // Accounts that every Linux distribution or one of its common services brings along.
    private static let reserved: Set<String> = [
        "root", "daemon", "bin", "sys", "sync", "adm", "lp", "halt", "shutdown", "uucp", "proxy", "www-data", "gnats",
        "nobody",
        "nogroup", "_apt", "sshd", "messagebus", "dbus", "polkitd", "postfix", "chrony", "wheel", "sudo", "shadow",
        "tty", "disk",
        "kmem", "utmp", "staff", "users", "sallyport", "sally-agent", "docker", "lxd", "libvirt", "kvm",
    ]
}

/// Rules for names of every kind.
enum Name {
    static func isLetterOrDigit(_ unit: UInt8) -> Bool {
        switch unit {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// Whether a text is fit to be shown as a name: 1 to 256 characters, not blank at its ends, no controls, no direction overrides.
    static func isDisplayable(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        guard let first = scalars.first, let last = scalars.last, text.count <= 256 else { return false }
        guard !first.properties.isWhitespace, !last.properties.isWhitespace else { return false }
        return scalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
            default: true
            }
        }
    }

    /// Whether a text may stand before the @ of a mail address. Source: Microsoft Graph, "user resource type", mailNickname.
    static func isNickname(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && !"@()\\[]\";:<>,".utf8.contains($0) }
    }

    /// The form of a display name that is searched and sorted by.
    static func key(_ text: String) -> String { text.lowercased() }
}

/// The rules for names of people on a host.
///
/// Only names of our shape are ever answered, so a name that belongs to the machine (`root`, `sudo`, `docker`) cannot become ours (X49), and a
/// name goes into files and commands only when every character of it is harmless there (X54).
public enum AccountName {
    /// Whether a name as typed could be one of ours: it has an `@` inside, or is a GUID.
    public static func isOurs(_ typed: some StringProtocol) -> Bool {
        let units = Array(typed.utf8)
        guard units.count <= Self.longest else { return false }
        if let at = units.firstIndex(of: UInt8(ascii: "@")) {
            return at > 0 && at < units.count - 1
        }
        return Self.isGUIDShaped(units)
    }

    /// The longest name that is looked at, in bytes.
    public static let longest = 256

    /// The spelling that accounts are found by: ASCII letters in lower case, everything else as it is.
    ///
    /// Other letters are left alone on purpose: case mapping of the rest of Unicode makes different names equal (X54).
    public static func normalised(_ typed: some StringProtocol) -> String {
        let lower = typed.utf8.map { unit in
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(unit) ? unit + 32 : unit
        }
        return String(decoding: lower, as: UTF8.self)
    }

    /// Whether a name is fit to be an account's name on a host: a user principal name, or a lower-case GUID for a service principal.
    ///
    /// One `@`, both sides non-empty, only the characters that a directory allows in such names, no upper case, no dot or hyphen in front.
    /// Source: Microsoft Graph, `userPrincipalName` (A-Z, a-z, 0-9 and ' . - _ ! # ^ ~).
    public static func isAcceptable(_ name: String) -> Bool {
        let units = Array(name.utf8)
        if self.isGUIDShaped(units) { return self.normalised(name) == name }
        guard !units.isEmpty, units.count <= 113 + 1 + 48 else { return false }
        let parts = units.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return false }
        guard units[0] != UInt8(ascii: "-"), units[0] != UInt8(ascii: "."), units.last != UInt8(ascii: ".") else {
            return false
        }
        return units.allSatisfy { unit in
            switch unit {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "@"):
                true
            default: Array("'.-_!#^~".utf8).contains(unit)
            }
        }
    }

    private static func isGUIDShaped(_ units: [UInt8]) -> Bool {
        guard units.count == 36 else { return false }
        return units.enumerated().allSatisfy { index, unit in
            switch index {
            case 8, 13, 18, 23: unit == UInt8(ascii: "-")
            default:
                switch unit {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                    UInt8(ascii: "A")...UInt8(ascii: "F"):
                    true
                default: false
                }
            }
        }
    }
}

/// The numbers that the directory gives to people, and the two groups that every joined host knows.
public enum AccountNumbers {
    /// Numbers of people, which are also the numbers of their own groups.
    ///
    /// systemd's documentation of ids lists 1879048192-2147483647 as unused; the last few belong to the groups below.
    public static let people: ClosedRange<UInt32> = 1_879_048_192...2_147_479_999
    /// Everybody who may log in.
    public static let users: UInt32 = 2_147_480_001
    /// Everybody who may log in as an administrator.
    public static let administrators: UInt32 = 2_147_480_002
    /// The name of the group of everybody who may log in.
    public static let usersName = "sallyport-users"
    /// The name of the group of administrators.
    public static let administratorsName = "sallyport-admins"
}

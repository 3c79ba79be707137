import Vocabulary

/// The reasons that a host gives when it ends a sign-in. Source: MS-ERREF section 2.3.1, MS-CSSP section 3.1.5.
enum NTStatus {
    /// A sentence for people; the number is part of it so that it can be looked up.
    static func sentence(_ code: UInt32) -> String {
        let digits = (0..<4).reversed().map { UInt8(truncatingIfNeeded: code >> ($0 * 8)) }
        return "\(Self.words[code] ?? "The host refused the sign-in") (0x\(Hex.encode(digits)))."
    }

    private static let words: [UInt32: String] = [
        0xC000_0022: "The host denied access",
        0xC000_005E: "The host found no server that could check the sign-in",
        0xC000_0064: "The host does not know the account",
        0xC000_006A: "The host says that the password is wrong",
        0xC000_006D: "The host says that the name or the password is wrong",
        0xC000_006E: "The host restricts the account",
        0xC000_006F: "The account may not sign in at this time",
        0xC000_0070: "The account may not sign in from here",
        0xC000_0071: "The account's password has expired",
        0xC000_0072: "The account is disabled",
        0xC000_0133: "The clocks of the host and of its domain are too far apart",
        0xC000_015B: "The account may not sign in to this host by Remote Desktop",
        0xC000_018C: "The host and its domain do not trust each other",
        0xC000_018D: "The host and its domain do not trust each other",
        0xC000_0193: "The account has expired",
        0xC000_0224: "The account's password has to be changed first",
        0xC000_0234: "The account is locked",
        0xC000_0413: "The account may not sign in to this host by policy",
        0x8009_0302: "The host does not support what the sign-in asked for",
        0x8009_0304: "The host's security service failed",
        0x8009_0308: "The host could not read the sign-in",
        0x8009_030C: "The host says that the name or the password is wrong",
        0x8009_0311: "The host found no server that could check the sign-in",
        0x8009_0322: "The host's name and its Kerberos account do not match",
        0x8009_0324: "The clocks of the host and of its domain are too far apart",
    ]
}

public import Vocabulary

/// A name and a password in a domain, as a person gave them for one desktop.
public struct DomainCredentials: Sendable {
    /// The account's name within the domain.
    public let user: String
    /// The domain's name in upper case, which is that of its Kerberos realm.
    public let realm: String
    /// The password; in memory only, until it is used once or its token expires.
    public let password: Secret<String>

    /// `user@REALM`.
    public var name: String { "\(self.user)@\(self.realm)" }

    /// The most bytes that a password may have; the longest that Windows takes is shorter.
    static let longestPassword = 512

    /// Reads what somebody typed: `alice@corp.example` or `CORP.EXAMPLE\alice`. Throws a `Problem` that repeats nothing of it.
    public init(name: String, password: String) throws(Problem) {
        let parts: [Substring]
        if let slash = name.firstIndex(of: "\\") {
            parts = [name[name.index(after: slash)...], name[..<slash]]
        } else if let at = name.lastIndex(of: "@") {
            parts = [name[..<at], name[name.index(after: at)...]]
        } else {
            throw Self.wrong("The user name has no domain.")
        }
        let (user, realm) = (parts[0], parts[1].uppercased())
        let isDomain = realm.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        // The short name of a domain, which Windows also takes here, is not that of its realm.
        guard isDomain, realm.utf8.count <= 255, realm.contains("."),
            !realm.split(separator: ".", omittingEmptySubsequences: false).contains(where: \.isEmpty)
        else { throw Self.wrong("The user name needs the full name of its domain.") }
        let hasOther = user.unicodeScalars.contains {
            $0.value < 0x20 || $0.value == 0x7F || $0.properties.generalCategory == .control
                || "@\\/\"[]:;|=,+*?<>".unicodeScalars.contains($0)
        }
        guard !user.isEmpty, user.utf8.count <= 256, !hasOther else {
            throw Self.wrong("The user name has characters that no account has.")
        }
        guard !password.isEmpty, password.utf8.count <= Self.longestPassword, !password.utf8.contains(0) else {
            throw Problem("PasswordNotValid", shown: "A password of 1 to \(Self.longestPassword) bytes is needed.")
        }
        self.user = String(user)
        self.realm = realm
        self.password = Secret(password)
    }

    private static func wrong(_ sentence: String) -> Problem {
        Problem("UserNameNotValid", shown: sentence + " Write it as alice@corp.example or CORP.EXAMPLE\\alice.")
    }
}

public import Vocabulary

/// A name and a password that a Remote Desktop host lets in: a one-time credential of the host's agent, or what somebody typed.
///
/// Source: MS-RDPBCGR section 2.2.1.11.1.1, where a host without CredSSP takes them, and MS-CSSP section 2.2.1.2.1, with it.
public struct DesktopCredentials: Sendable {
    /// The account's name, as the host knows it.
    public let user: String
    /// The account's domain, or the host's own name; may be empty.
    public let domain: String
    /// The password; never in a log or an error.
    public let password: Secret<String>

    /// Makes credentials.
    public init(user: String, domain: String = "", password: Secret<String>) {
        self.user = user
        self.domain = domain
        self.password = password
    }
}

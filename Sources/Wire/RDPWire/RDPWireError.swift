/// Why bytes are not what the protocol says, or a sign-in did not come about. The text says what was found; it holds no secrets.
public enum RDPWireError: Error, Hashable, Sendable {
    /// The bytes break the protocol's form: which message, and what is wrong with it.
    case malformed(String)
    /// A well-formed message that does not belong here now.
    case unexpected(String)
    /// A length or count beyond what is accepted.
    case tooLong(String)
    /// The other side refused, in words for people.
    case refused(String)
    /// The other side is not who it should be: a signature, a binding or a certificate is wrong.
    case notTrusted(String)
    /// The system's own cryptography or security library failed.
    case failed(String)
}

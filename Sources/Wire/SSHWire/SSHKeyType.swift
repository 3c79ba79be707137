/// The kind of a public key, by the name that its blob starts with.
public enum SSHKeyType: String, Hashable, Sendable, CaseIterable {
    /// Ed25519 (RFC 8709).
    case ed25519 = "ssh-ed25519"
    /// ECDSA on P-256 (RFC 5656).
    case ecdsaP256 = "ecdsa-sha2-nistp256"
    /// ECDSA on P-384 (RFC 5656).
    case ecdsaP384 = "ecdsa-sha2-nistp384"
    /// ECDSA on P-521 (RFC 5656).
    case ecdsaP521 = "ecdsa-sha2-nistp521"
    /// RSA, whatever hash its signatures use (RFC 4253, RFC 8332).
    case rsa = "ssh-rsa"
    /// Ed25519 in a security key (OpenSSH PROTOCOL.u2f).
    case securityKeyEd25519 = "sk-ssh-ed25519@openssh.com"
    /// ECDSA on P-256 in a security key (OpenSSH PROTOCOL.u2f).
    case securityKeyP256 = "sk-ecdsa-sha2-nistp256@openssh.com"

    /// The name that a certificate of such a key starts with.
    public var certificateName: String {
        switch self {
        case .ed25519: "ssh-ed25519-cert-v01@openssh.com"
        case .ecdsaP256: "ecdsa-sha2-nistp256-cert-v01@openssh.com"
        case .ecdsaP384: "ecdsa-sha2-nistp384-cert-v01@openssh.com"
        case .ecdsaP521: "ecdsa-sha2-nistp521-cert-v01@openssh.com"
        case .rsa: "ssh-rsa-cert-v01@openssh.com"
        case .securityKeyEd25519: "sk-ssh-ed25519-cert-v01@openssh.com"
        case .securityKeyP256: "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"
        }
    }

    /// Finds the type whose certificates have that name.
    public init?(certificateName name: String) {
        guard let type = Self.allCases.first(where: { $0.certificateName == name }) else { return nil }
        self = type
    }

    /// The type that a plain key blob names; a certificate's name gets an error of its own.
    init(naming name: String) throws(SSHWireError) {
        guard let type = SSHKeyType(rawValue: name) else {
            throw SSHKeyType(certificateName: name) == nil ? .unknownKeyType : .certificateInsteadOfKey
        }
        self = type
    }
}

/// An elliptic curve that SSH uses with ECDSA, by its name in blobs. Source: RFC 5656 section 10.1.
public enum SSHCurve: String, Hashable, Sendable, CaseIterable {
    case p256 = "nistp256"
    case p384 = "nistp384"
    case p521 = "nistp521"

    /// How many bytes one coordinate or scalar has.
    public var width: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }
}

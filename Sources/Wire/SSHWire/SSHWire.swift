/// SSH public keys, OpenSSH certificates, signatures and key revocation lists as bytes and back.
///
/// Everything here is pure: no file, no clock, no random number. Start with ``SSHPublicKey``, ``SSHCertificate`` and
/// ``KeyRevocationList``. Sources: RFC 4251 section 5, RFC 4253 section 6.6, RFC 5656, RFC 8332, RFC 8709 and OpenSSH's
/// PROTOCOL.certkeys, PROTOCOL.krl, PROTOCOL.u2f and PROTOCOL.key.
public enum SSHWire {
    /// The longest public key blob that is read, in bytes; a 16,384-bit RSA key needs about 2,100.
    public static let longestKey = 8 * 1024
    /// The longest certificate blob that is read, in bytes; 256 long principals fit.
    public static let longestCertificate = 128 * 1024
    /// The most principals of one certificate: OpenSSH refuses more (`SSHKEY_CERT_MAX_PRINCIPALS`).
    public static let mostPrincipals = 256
    /// The most options in each of the two lists of a certificate.
    public static let mostOptions = 256
}

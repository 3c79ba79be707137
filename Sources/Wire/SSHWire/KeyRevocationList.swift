import Crypto

/// What must not be believed any more: certificates by serial number or key id, and whole keys.
///
/// OpenSSH's server reads it from the file that `RevokedKeys` names. Source: OpenSSH PROTOCOL.krl.
public struct KeyRevocationList: Hashable, Sendable {
    /// Certificates of one authority, or of any.
    public struct Certificates: Hashable, Sendable {
        /// Whose certificates; nil means everybody's.
        public var authority: SSHPublicKey?
        /// Serial numbers, as ranges in any order; none contains 0.
        public var serials: [ClosedRange<UInt64>]
        /// Key ids.
        public var keyIDs: Set<String>

        /// Names certificates.
        public init(of authority: SSHPublicKey?, serials: [ClosedRange<UInt64>] = [], keyIDs: Set<String> = []) {
            self.authority = authority
            self.serials = serials
            self.keyIDs = keyIDs
        }
    }

    /// Grows with each edition.
    public var version: UInt64
    /// When this edition was made.
    public var date: SSHTime
    /// Free text.
    public var comment: String
    /// Revoked certificates.
    public var certificates: [Certificates]
    /// Revoked keys, by blob; kept as bytes because a list may name keys of types not known here.
    public var keys: Set<[UInt8]>
    /// SHA-1 hashes of revoked key blobs, of lists that others made.
    public var hashesSHA1: Set<[UInt8]>
    /// SHA-256 hashes of revoked key blobs.
    public var hashesSHA256: Set<[UInt8]>

    /// Makes a list.
    public init(
        version: UInt64,
        date: SSHTime,
        comment: String = "",
        certificates: [Certificates] = [],
        keys: Set<[UInt8]> = [],
        hashesSHA256: Set<[UInt8]> = []
    ) {
        self.version = version
        self.date = date
        self.comment = comment
        self.certificates = certificates
        self.keys = keys
        self.hashesSHA1 = []
        self.hashesSHA256 = hashesSHA256
    }

    /// Whether the list names the key itself.
    public func isRevoked(_ key: SSHPublicKey) -> Bool {
        let blob = key.blob
        if self.keys.contains(blob) { return true }
        if !self.hashesSHA256.isEmpty, self.hashesSHA256.contains(Array(SHA256.hash(data: blob))) { return true }
        return !self.hashesSHA1.isEmpty && self.hashesSHA1.contains(Array(Insecure.SHA1.hash(data: blob)))
    }

    /// Whether the list names the certificate, its key, or its authority.
    public func isRevoked(_ certificate: SSHCertificate) -> Bool {
        let contents = certificate.contents
        for section in self.certificates where section.authority == nil || section.authority == certificate.authority {
            if section.keyIDs.contains(contents.keyID) || section.serials.contains(where: { $0 ~= contents.serial }) {
                return true
            }
        }
        return self.isRevoked(contents.key) || self.isRevoked(certificate.authority)
    }
}

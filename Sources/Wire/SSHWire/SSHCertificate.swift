/// An OpenSSH certificate: an authority's word that a key belongs to somebody, or to a host, for some time.
///
/// Immutable, because every byte is covered by the signature. Reading one checks its form only; ask ``verifySignature()`` or
/// ``verdict(as:for:trusting:revokedBy:at:)`` before you believe it. Source: OpenSSH PROTOCOL.certkeys.
public struct SSHCertificate: Hashable, Sendable {
    /// Whom a certificate is about.
    public enum Kind: UInt32, Hashable, Sendable, Codable {
        case user = 1
        case host = 2
    }

    /// What a certificate says.
    public struct Contents: Hashable, Sendable {
        /// The key that is certified.
        public var key: SSHPublicKey
        /// A number that revocation lists can name; unique for an authority.
        public var serial: UInt64
        /// Whom it is about.
        public var kind: Kind
        /// What logs show, and what revocation lists can name.
        public var keyID: String
        /// Login names, or names and addresses of the host.
        public var principals: [String]
        /// The first second of validity.
        public var validAfter: SSHTime
        /// The first second after validity.
        public var validBefore: SSHTime
        /// What a server must understand and enforce, sorted by name.
        public var criticalOptions: [SSHCertificateOption]
        /// What the holder may do, sorted by name; what is absent is forbidden.
        public var extensions: [SSHCertificateOption]

        /// Puts contents together.
        public init(
            key: SSHPublicKey,
            serial: UInt64,
            kind: Kind,
            keyID: String,
            principals: [String],
            validAfter: SSHTime,
            validBefore: SSHTime,
            criticalOptions: [SSHCertificateOption] = [],
            extensions: [SSHCertificateOption] = []
        ) {
            self.key = key
            self.serial = serial
            self.kind = kind
            self.keyID = keyID
            self.principals = principals
            self.validAfter = validAfter
            self.validBefore = validBefore
            self.criticalOptions = criticalOptions
            self.extensions = extensions
        }
    }

    /// What it says.
    public let contents: Contents
    /// Random bytes that keep the signed bytes unpredictable.
    public let nonce: [UInt8]
    /// The key of the authority that signed.
    public let authority: SSHPublicKey
    /// The authority's signature over ``signedBytes``.
    public let signature: SSHSignature
    /// The whole certificate, byte for byte as it was read or made.
    public let blob: [UInt8]
    private let signedCount: Int

    /// Reads a certificate; the signature is not checked.
    public init(blob: [UInt8]) throws(SSHWireError) {
        guard blob.count <= SSHWire.longestCertificate else { throw .tooLong }
        var reader = SSHReader(blob)
        guard let type = SSHKeyType(certificateName: try reader.text()) else { throw .unknownKeyType }
        self.nonce = try reader.string()
        let key = try SSHPublicKey(fieldsOf: type, from: &reader)
        let serial = try reader.uint64()
        guard let kind = Kind(rawValue: try reader.uint32()) else { throw .malformedCertificate }
        let keyID = try reader.text()
        let principals = try Self.principals(from: &reader)
        let validAfter = SSHTime(rawValue: try reader.uint64())
        let validBefore = SSHTime(rawValue: try reader.uint64())
        let criticalOptions = try SSHCertificateOption.read(from: &reader)
        let extensions = try SSHCertificateOption.read(from: &reader)
        guard try reader.string().isEmpty else { throw .malformedCertificate }
        self.authority = try SSHPublicKey(blob: try reader.string())
        self.signedCount = reader.offset
        self.signature = try SSHSignature(blob: try reader.string())
        try reader.finish()
        self.contents = Contents(
            key: key,
            serial: serial,
            kind: kind,
            keyID: keyID,
            principals: principals,
            validAfter: validAfter,
            validBefore: validBefore,
            criticalOptions: criticalOptions,
            extensions: extensions
        )
        self.blob = blob
    }

    /// Makes a certificate of contents that were found good.
    init(_ contents: Contents, nonce: [UInt8], by signer: SSHSigner) throws(SSHWireError) {
        var writer = SSHWriter(capacity: 1024)
        writer.write(text: contents.key.type.certificateName)
        writer.write(string: nonce)
        contents.key.writeFields(to: &writer)
        writer.write(uint64: contents.serial)
        writer.write(uint32: contents.kind.rawValue)
        writer.write(text: contents.keyID)
        writer.writeNested { list in
            for principal in contents.principals {
                list.write(text: principal)
            }
        }
        writer.write(uint64: contents.validAfter.rawValue)
        writer.write(uint64: contents.validBefore.rawValue)
        SSHCertificateOption.write(contents.criticalOptions, to: &writer)
        SSHCertificateOption.write(contents.extensions, to: &writer)
        writer.write(text: "")
        writer.write(string: signer.publicKey.blob)
        self.signedCount = writer.bytes.count
        self.signature = try signer.sign(writer.bytes)
        writer.write(string: self.signature.blob)
        guard writer.bytes.count <= SSHWire.longestCertificate else { throw .tooLong }
        self.contents = contents
        self.nonce = nonce
        self.authority = signer.publicKey
        self.blob = writer.bytes
    }

    /// The bytes that the signature covers: everything before it.
    public var signedBytes: [UInt8] { Array(self.blob[..<self.signedCount]) }

    /// Fails unless the authority named in the certificate signed it. Whether to trust that authority is another question.
    public func verifySignature() throws(SSHWireError) {
        try self.signature.verify(self.signedBytes, by: self.authority)
    }

    private static func principals(from reader: inout SSHReader) throws(SSHWireError) -> [String] {
        var list = try reader.nested()
        var principals: [String] = []
        while !list.isAtEnd {
            guard principals.count < SSHWire.mostPrincipals else { throw .tooLong }
            principals.append(try list.text())
        }
        return principals
    }
}

extension SSHCertificate {
    /// Reads the one line of a `-cert.pub` file.
    public init(line: String) throws(SSHWireError) {
        let parts = try SSHTextLine(line, limit: SSHWire.longestCertificate)
        try self.init(blob: parts.blob)
        guard parts.type == self.contents.key.type.certificateName else { throw .malformedLine }
    }

    /// The line of a `-cert.pub` file, without a line end.
    public func line(comment: String = "") -> String {
        SSHTextLine.text(type: self.contents.key.type.certificateName, blob: self.blob, comment: comment)
    }

    /// The blob in base 64: what the Azure CLI expects as the access token of type `ssh-cert`.
    public var base64: String { Base64.encode(self.blob) }
}

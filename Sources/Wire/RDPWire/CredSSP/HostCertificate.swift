import Crypto

/// What sign-ins need of a host's certificate besides its bytes. Source: RFC 5280 section 4.1.
enum HostCertificate {
    /// The content of the public key's bit string.
    static func subjectPublicKey(_ der: [UInt8]) throws(RDPWireError) -> [UInt8] {
        let what = "certificate"
        var whole = DERReader(der[...])
        var certificate = DERReader(try whole.element(DER.sequence, what))
        try whole.end(what)
        var fields = DERReader(try certificate.element(DER.sequence, what))
        _ = try fields.optional(DER.field(0))
        _ = try fields.element(DER.integer, what)
        // Signature algorithm, issuer, validity, subject.
        for _ in 0..<4 {
            _ = try fields.element(DER.sequence, what)
        }
        var key = DERReader(try fields.element(DER.sequence, what))
        _ = try key.element(DER.sequence, what)
        let bits = try key.element(DER.bitString, what)
        try key.end(what)
        guard bits.first == 0, bits.count > 1 else {
            throw .malformed("certificate: a public key that is not whole bytes")
        }
        return Array(bits.dropFirst())
    }

    /// The channel binding of type tls-server-end-point: a prefix and the hash of the certificate. Source: RFC 5929 section 4.1.
    ///
    /// The hash is the one of the certificate's signature, and SHA-256 where that would be MD5, SHA-1 or is not known.
    static func endPointBinding(_ der: [UInt8]) throws(RDPWireError) -> [UInt8] {
        let what = "certificate"
        var whole = DERReader(der[...])
        var certificate = DERReader(try whole.element(DER.sequence, what))
        _ = try certificate.element(DER.sequence, what)
        var algorithm = DERReader(try certificate.element(DER.sequence, what))
        let identifier = Array(try algorithm.element(DER.objectIdentifier, what))
        let prefix = Array("tls-server-end-point:".utf8)
        switch identifier {
        case [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0C], [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03]:
            return prefix + SHA384.hash(data: der)
        case [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0D], [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x04]:
            return prefix + SHA512.hash(data: der)
        default:
            return prefix + SHA256.hash(data: der)
        }
    }
}

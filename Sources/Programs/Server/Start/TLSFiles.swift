import Crypto
import FoundationEssentials
import SwiftASN1
import Vocabulary
import X509

/// The server's own certificate when the operator brings none: a private CA in the data directory and a certificate it issued.
///
/// The CA lives ten years and its key stays in the data directory; the server's certificate lives 397 days (what browsers accept) and is
/// made anew at a start when fewer than 30 days are left or when the names changed.
struct TLSFiles {
    let certificateAuthority: String
    let certificate: String
    let key: String

    /// The name under which machines made here reach the server, at the gateway of their subnet.
    static let nameForMachines = "sallyport.internal"

    /// Makes what is missing under `directory` and returns the paths.
    static func prepare(in directory: String, names: [String], at now: Instant) throws -> TLSFiles {
        try PrivateFiles.makeDirectory(directory)
        let files = TLSFiles(
            certificateAuthority: directory + "/ca.pem",
            certificate: directory + "/server.pem",
            key: directory + "/server.key"
        )
        let authorityKeyFile = directory + "/ca.key"
        let authority: (key: P256.Signing.PrivateKey, certificate: Certificate)
        if let pem = try PrivateFiles.read(authorityKeyFile),
            let certificate = try PrivateFiles.read(files.certificateAuthority)
        {
            authority = (try P256.Signing.PrivateKey(pemRepresentation: pem), try Certificate(pemEncoded: certificate))
        } else {
            authority = try Self.makeAuthority(at: now)
            try PrivateFiles.write(authority.key.pemRepresentation, to: authorityKeyFile, mode: 0o600)
            try PrivateFiles.write(
                try authority.certificate.serializeAsPEM().pemString,
                to: files.certificateAuthority,
                mode: 0o644
            )
        }
        let namesFile = directory + "/server.names"
        let wanted = names.sorted().joined(separator: "\n")
        if let pem = try PrivateFiles.read(files.certificate), try PrivateFiles.read(namesFile) == wanted,
            try PrivateFiles.read(files.key) != nil,
            try Self.leaf(pem).notValidAfter > Self.date(now + .seconds(30 * 86_400))
        {
            return files
        }
        let server = try Self.makeServer(names: names, authority: authority, at: now)
        try PrivateFiles.write(server.key.pemRepresentation, to: files.key, mode: 0o600)
        try PrivateFiles.write(
            try server.certificate.serializeAsPEM().pemString + "\n" + authority.certificate.serializeAsPEM().pemString,
            to: files.certificate,
            mode: 0o644
        )
        try PrivateFiles.write(wanted, to: namesFile, mode: 0o600)
        return files
    }

    /// A certificate for other names out of the CA that `prepare` made: the chain and the key as PEM.
    static func issue(names: [String], in directory: String, at now: Instant) throws -> (chain: String, key: String) {
        let authorityPEM = try PrivateFiles.required(directory + "/ca.pem")
        let authority = (
            key: try P256.Signing.PrivateKey(pemRepresentation: try PrivateFiles.required(directory + "/ca.key")),
            certificate: try Certificate(pemEncoded: authorityPEM)
        )
        let made = try Self.makeServer(names: names, authority: authority, at: now)
        return (
            chain: try made.certificate.serializeAsPEM().pemString + "\n" + authorityPEM,
            key: made.key.pemRepresentation
        )
    }

    private static func makeAuthority(at now: Instant) throws -> (
        key: P256.Signing.PrivateKey, certificate: Certificate
    ) {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName {
            OrganizationName("Sallyport")
            CommonName(
                "Sallyport private CA \(Hex.encode(SHA256.hash(data: key.publicKey.rawRepresentation).prefix(4)))"
            )
        }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: .init(key.publicKey),
            notValidBefore: Self.date(now - .seconds(3600)),
            notValidAfter: Self.date(now + .seconds(10 * 365 * 86_400)),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: .init(key.publicKey))
            },
            issuerPrivateKey: .init(key)
        )
        return (key, certificate)
    }

    private static func makeServer(
        names: [String],
        authority: (key: P256.Signing.PrivateKey, certificate: Certificate),
        at now: Instant
    ) throws -> (key: P256.Signing.PrivateKey, certificate: Certificate) {
        let key = P256.Signing.PrivateKey()
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: .init(key.publicKey),
            notValidBefore: Self.date(now - .seconds(3600)),
            notValidAfter: Self.date(now + .seconds(397 * 86_400)),
            issuer: authority.certificate.subject,
            subject: try DistinguishedName { CommonName(names.first ?? "sallyport") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(names.map(Self.generalName))
                SubjectKeyIdentifier(hash: .init(key.publicKey))
                // Python's verifier refuses a chain without it.
                AuthorityKeyIdentifier(
                    keyIdentifier: SubjectKeyIdentifier(hash: .init(authority.key.publicKey)).keyIdentifier
                )
            },
            issuerPrivateKey: .init(authority.key)
        )
        return (key, certificate)
    }

    // The file holds the chain: the server's own certificate first.
    private static func leaf(_ pem: String) throws -> Certificate {
        guard let first = try PEMDocument.parseMultiple(pemString: pem).first else {
            throw Problem("MissingFile", shown: "The server's certificate file is empty: remove it and start again.")
        }
        return try Certificate(pemDocument: first)
    }

    private static func generalName(_ name: String) -> GeneralName {
        if let bytes = AddressBytes.parse(name) {
            return .ipAddress(ASN1OctetString(contentBytes: bytes[...]))
        }
        return .dnsName(name)
    }

    private static func date(_ instant: Instant) -> Date {
        Date(timeIntervalSince1970: Double(instant.seconds))
    }
}

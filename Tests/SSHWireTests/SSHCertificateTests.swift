import Crypto
import CryptoExtras
import SSHWire
import Testing
import Vocabulary

@Suite("OpenSSH certificates")
struct SSHCertificateTests {
    static let subjects = [("ed25519", 256), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 2048)]

    @Test(
        "certificates that ssh-keygen signs are read and verified, for every subject and authority",
        arguments: subjects
    )
    func realCertificates(type: String, bits: Int) throws {
        let keygen = try KeyGenerator()
        let authority = try keygen.makeKey("ca", type: type, bits: bits)
        for (subject, size) in Self.subjects {
            let name = "\(subject)\(size)"
            let key = try keygen.makeKey(name, type: subject, bits: size)
            try keygen.succeed(
                "-q",
                "-s",
                "ca",
                "-I",
                "request 7",
                "-n",
                "alice@contoso.example,alice",
                "-z",
                "77",
                "-V",
                "20260101000000Z:20260101010000Z",
                "-O",
                "source-address=10.0.0.0/8",
                "-O",
                "clear",
                "-O",
                "permit-pty",
                "-O",
                "extension:oid@sallyport=abc",
                "-O",
                "force-command=/bin/true",
                "\(name).pub"
            )
            let certificate = try SSHCertificate(line: keygen.text("\(name)-cert.pub"))
            try certificate.verifySignature()
            #expect(certificate.contents.key == key)
            #expect(certificate.authority == authority)
            #expect(certificate.contents.principals == ["alice@contoso.example", "alice"])
            #expect(certificate.contents.serial == 77)
            #expect(certificate.contents.keyID == "request 7")
            #expect(certificate.contents.validBefore.instant.sentence == "2026-01-01 01:00:00Z")
            #expect(certificate.contents.extensions.map(\.name) == ["oid@sallyport", "permit-pty"])
            #expect(certificate.contents.extensions.first?.value == "abc")
            #expect(certificate.line(comment: "a comment") + "\n" == (try keygen.text("\(name)-cert.pub")))
            // What we would write for the same contents is what ssh-keygen wrote.
            let ours = try SSHCertificate.make(certificate.contents, nonce: certificate.nonce, by: .ed25519(.init()))
            let common = certificate.signedBytes.count - authority.blob.count - 4
            #expect(ours.signedBytes.prefix(common) == certificate.signedBytes.prefix(common))
        }
    }

    static func signers() throws -> [SSHSigner] {
        [
            .ed25519(.init()), .p256(.init()), .p384(.init()), try .rsa(_RSA.Signing.PrivateKey(keySize: .bits2048)),
        ]
    }

    static func contents(_ key: SSHPublicKey? = nil) -> SSHCertificate.Contents {
        SSHCertificate.Contents(
            key: key ?? .ed25519(Array(Curve25519.Signing.PrivateKey().publicKey.rawRepresentation)),
            serial: 5,
            kind: .user,
            keyID: "alice via laptop",
            principals: ["alice@contoso.example", "6f9f2f2c-0000-4000-8000-000000000001"],
            validAfter: SSHTime(Instant(seconds: 1_767_225_600)),
            validBefore: SSHTime(Instant(seconds: 1_767_229_200)),
            extensions: [.valued("oid@sallyport", "6f9f"), .permitPortForwarding, .permitPTY]
        )
    }

    @Test("ssh-keygen shows what we signed, with every authority's key")
    func shown() throws {
        let keygen = try KeyGenerator()
        for signer in try Self.signers() {
            let certificate = try SSHCertificate.make(
                Self.contents(),
                nonce: [UInt8](repeating: 9, count: 32),
                by: signer
            )
            try certificate.verifySignature()
            #expect(try SSHCertificate(blob: certificate.blob) == certificate)
            try keygen.write("x-cert.pub", Array(certificate.line().utf8))
            let shown = try keygen.succeed("-L", "-f", "x-cert.pub")
            #expect(shown.contains("Type: ssh-ed25519-cert-v01@openssh.com user certificate"))
            #expect(shown.contains("Signing CA: ") && shown.contains(signer.publicKey.fingerprint))
            #expect(shown.contains("Key ID: \"alice via laptop\""))
            #expect(shown.contains("Serial: 5"))
            #expect(shown.contains("alice@contoso.example\n"))
            #expect(shown.contains("permit-port-forwarding\n"))
        }
    }

    @Test("a security key can be certified")
    func securityKey() throws {
        let keygen = try KeyGenerator()
        let raw = Array(Curve25519.Signing.PrivateKey().publicKey.rawRepresentation)
        let key = SSHPublicKey.securityKeyEd25519(raw, application: "ssh:")
        let certificate = try SSHCertificate.make(Self.contents(key), nonce: [1], by: .ed25519(.init()))
        try keygen.write("x-cert.pub", Array(certificate.line().utf8))
        #expect(try keygen.succeed("-L", "-f", "x-cert.pub").contains("sk-ssh-ed25519-cert-v01@openssh.com"))
        #expect(try SSHCertificate(blob: certificate.blob).contents.key == key)
    }

    @Test("contents that mean more than they say are not signed")
    func refusedContents() {
        let refusals: [(SSHWireError, (inout SSHCertificate.Contents) -> Void)] = [
            (.noPrincipals, { $0.principals = [] }),
            (.malformedPrincipal, { $0.principals = [""] }),
            (.malformedPrincipal, { $0.principals = ["alice", "*"] }),
            (.malformedPrincipal, { $0.principals = ["a?"] }),
            (.malformedPrincipal, { $0.principals = ["a,root"] }),
            (.malformedPrincipal, { $0.principals = ["a root"] }),
            (.malformedPrincipal, { $0.principals = ["a\nroot"] }),
            (.malformedPrincipal, { $0.principals = ["аlice"] }),
            (.tooLong, { $0.principals = (0...256).map { "p\($0)" } }),
            (.emptyValidity, { $0.validBefore = $0.validAfter }),
            (.emptyValidity, { $0.validBefore = .always }),
            (.serialZero, { $0.serial = 0 }),
            (.malformedText, { $0.keyID = "a\nb" }),
            (.optionsOutOfOrder, { $0.extensions = [.permitPTY, .permitPTY] }),
            (.optionsOutOfOrder, { $0.extensions = [.permitPTY, .permitPortForwarding] }),
            (.optionsOutOfOrder, { $0.criticalOptions = [.sourceAddress(["::/0"]), .forceCommand("x")] }),
            (.malformedCertificate, { $0.kind = .host }),
            (.malformedKey, { $0.key = .ed25519([1, 2]) }),
        ]
        for (expected, change) in refusals {
            var contents = Self.contents()
            change(&contents)
            #expect(throws: expected) { try SSHCertificate.make(contents, nonce: [1], by: .ed25519(.init())) }
        }
    }

    @Test("a certificate is no authority")
    func certificateAsAuthority() throws {
        let inner = Curve25519.Signing.PrivateKey()
        let key = SSHPublicKey.ed25519(Array(inner.publicKey.rawRepresentation))
        let certificate = try SSHCertificate.make(Self.contents(key), nonce: [1], by: .ed25519(.init()))
        // The same contents with a certificate blob where the authority's key stands.
        var writer = SSHWriter()
        let own = SSHSigner.ed25519(inner)
        let made = try SSHCertificate.make(Self.contents(), nonce: [1], by: own)
        writer.write(raw: made.signedBytes.dropLast(own.publicKey.blob.count + 4))
        writer.write(string: certificate.blob)
        writer.write(string: try own.sign(writer.bytes).blob)
        let blob = writer.bytes
        #expect(throws: SSHWireError.certificateInsteadOfKey) { try SSHCertificate(blob: blob) }
        #expect(throws: SSHWireError.certificateInsteadOfKey) { try SSHPublicKey(blob: certificate.blob) }
        #expect(throws: SSHWireError.certificateInsteadOfKey) { try SSHPublicKey(line: certificate.line()) }
    }

    @Test("SHA-1 does not exist as a signature algorithm")
    func noSHA1() throws {
        let signer = try SSHSigner.rsa(_RSA.Signing.PrivateKey(keySize: .bits2048))
        let certificate = try SSHCertificate.make(Self.contents(), nonce: [1], by: signer)
        var writer = SSHWriter()
        writer.write(text: "ssh-rsa")
        writer.write(string: certificate.signature.content)
        let signature = writer.bytes
        writer = SSHWriter()
        writer.write(raw: certificate.signedBytes)
        writer.write(string: signature)
        let blob = writer.bytes
        #expect(throws: SSHWireError.refusedSignatureAlgorithm) { try SSHCertificate(blob: blob) }
    }

    @Test("an RSA authority of ssh-keygen with SHA-256 verifies")
    func rsaSHA256() throws {
        let keygen = try KeyGenerator()
        _ = try keygen.makeKey("ca", type: "rsa", bits: 2048)
        _ = try keygen.makeKey("id")
        try keygen.succeed("-q", "-t", "rsa-sha2-256", "-s", "ca", "-I", "i", "-n", "a", "id.pub")
        let certificate = try SSHCertificate(line: keygen.text("id-cert.pub"))
        #expect(certificate.signature.algorithm == .rsaSHA256)
        try certificate.verifySignature()
    }

    @Test("a changed byte anywhere before the signature makes it wrong")
    func tampered() throws {
        for signer in try Self.signers() {
            let certificate = try SSHCertificate.make(Self.contents(), nonce: [1, 2, 3], by: signer)
            for index in certificate.signedBytes.indices {
                var blob = certificate.blob
                blob[index] ^= 1
                if let changed = try? SSHCertificate(blob: blob) {
                    #expect(throws: SSHWireError.self) { try changed.verifySignature() }
                }
            }
        }
    }

    @Test("a signature by a key of another type is refused")
    func signatureOfOtherType() throws {
        let signature = try SSHSigner.p256(.init()).sign([1])
        let key = SSHSigner.ed25519(.init()).publicKey
        #expect(throws: SSHWireError.refusedSignatureAlgorithm) { try signature.verify([1], by: key) }
    }

    @Test("an ECDSA signature with excess bytes or a zero is refused")
    func malleableSignature() throws {
        let signer = SSHSigner.p256(.init())
        let good = try signer.sign([1])
        try good.verify([1], by: signer.publicKey)
        let excess = SSHSignature(.ecdsaP256, content: good.content + [0])
        #expect(throws: SSHWireError.signatureMismatch) { try excess.verify([1], by: signer.publicKey) }
        let zero = SSHSignature(.ecdsaP256, fixedWidth: [UInt8](repeating: 0, count: 64))
        #expect(throws: SSHWireError.signatureMismatch) { try zero.verify([1], by: signer.publicKey) }
    }
}

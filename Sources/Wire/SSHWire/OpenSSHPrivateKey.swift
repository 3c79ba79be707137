public import Crypto
public import Vocabulary

/// A private key in OpenSSH's own file format, without a passphrase. Source: OpenSSH PROTOCOL.key.
public enum OpenSSHPrivateKey: Sendable {
    case ed25519(Curve25519.Signing.PrivateKey)
    case p256(P256.Signing.PrivateKey)

    private static let header = "-----BEGIN OPENSSH PRIVATE KEY-----"
    private static let footer = "-----END OPENSSH PRIVATE KEY-----"
    private static let magic = Array("openssh-key-v1".utf8) + [0]
    private static let longest = 16 * 1024

    /// The public half.
    public var publicKey: SSHPublicKey { self.signer.publicKey }

    /// The key as somebody who can sign.
    public var signer: SSHSigner {
        switch self {
        case .ed25519(let key): .ed25519(key)
        case .p256(let key): .p256(key)
        }
    }

    /// The file's bytes; write them with mode 0600. `random` gives the check number that readers compare.
    public func file(comment: String = "", random: RandomSource = .system) -> Secret<[UInt8]> {
        var writer = SSHWriter(capacity: 512)
        writer.write(raw: Self.magic)
        writer.write(text: "none")
        writer.write(text: "none")
        writer.write(text: "")
        writer.write(uint32: 1)
        writer.write(string: self.publicKey.blob)
        let check = random.bytes(4)
        writer.writeNested { body in
            let start = body.bytes.count
            body.write(raw: check)
            body.write(raw: check)
            self.writeFields(to: &body)
            body.write(text: comment)
            // Padding counts up to the block size of the cipher "none".
            var padding: UInt8 = 1
            while (body.bytes.count - start) % 8 != 0 {
                body.write(byte: padding)
                padding += 1
            }
        }
        var text = Array((Self.header + "\n").utf8)
        let body = Array(Base64.encode(writer.bytes).utf8)
        for start in stride(from: 0, to: body.count, by: 70) {
            text += body[start..<min(start + 70, body.count)]
            text.append(UInt8(ascii: "\n"))
        }
        text += (Self.footer + "\n").utf8
        return Secret(text)
    }

    private func writeFields(to writer: inout SSHWriter) {
        writer.write(text: self.publicKey.type.rawValue)
        switch self {
        case .ed25519(let key):
            let publicKey = Array(key.publicKey.rawRepresentation)
            writer.write(string: publicKey)
            writer.write(string: Array(key.rawRepresentation) + publicKey)
        case .p256(let key):
            writer.write(text: SSHCurve.p256.rawValue)
            writer.write(string: Array(key.publicKey.x963Representation))
            writer.write(magnitude: Array(key.rawRepresentation))
        }
    }

    /// Reads a file; every defect, a passphrase included, is `malformedPrivateKey`.
    public init(file bytes: [UInt8]) throws(SSHWireError) {
        do {
            try self.init(checking: bytes)
        } catch {
            throw .malformedPrivateKey
        }
    }

    private init(checking bytes: [UInt8]) throws {
        guard bytes.count <= Self.longest else { throw SSHWireError.tooLong }
        let lines = bytes.split { $0 == 10 || $0 == 13 }.map(Array.init)
        guard lines.count >= 3, lines.first == Array(Self.header.utf8), lines.last == Array(Self.footer.utf8),
            let blob = Base64.decode(Array(lines[1..<(lines.count - 1)].joined()))
        else { throw SSHWireError.malformedPrivateKey }
        var reader = SSHReader(blob)
        guard try reader.bytes(Self.magic.count) == Self.magic, try reader.text() == "none",
            try reader.text() == "none", try reader.string().isEmpty, try reader.uint32() == 1
        else { throw SSHWireError.malformedPrivateKey }
        let publicKey = try SSHPublicKey(blob: try reader.string())
        var body = try reader.nested()
        try reader.finish()
        guard body.remaining % 8 == 0, try body.uint32() == body.uint32() else {
            throw SSHWireError.malformedPrivateKey
        }
        try self.init(fieldsFrom: &body)
        _ = try body.string()
        var padding: UInt8 = 1
        while !body.isAtEnd {
            guard try body.byte() == padding, padding < 8 else { throw SSHWireError.malformedPrivateKey }
            padding += 1
        }
        guard self.publicKey == publicKey else { throw SSHWireError.malformedPrivateKey }
    }

    private init(fieldsFrom reader: inout SSHReader) throws {
        switch SSHKeyType(rawValue: try reader.text()) {
        case .ed25519:
            let publicKey = try reader.string()
            let both = try reader.string()
            let key = try Curve25519.Signing.PrivateKey(rawRepresentation: both.prefix(32))
            guard both.count == 64, Array(both.suffix(32)) == publicKey,
                Array(key.publicKey.rawRepresentation) == publicKey
            else { throw SSHWireError.malformedPrivateKey }
            self = .ed25519(key)
        case .ecdsaP256:
            guard try reader.text() == SSHCurve.p256.rawValue else { throw SSHWireError.malformedPrivateKey }
            let point = try reader.string()
            let scalar = try reader.magnitude()
            guard scalar.count <= 32 else { throw SSHWireError.malformedPrivateKey }
            let padded = [UInt8](repeating: 0, count: 32 - scalar.count) + scalar
            let key = try P256.Signing.PrivateKey(rawRepresentation: padded)
            guard Array(key.publicKey.x963Representation) == point else { throw SSHWireError.malformedPrivateKey }
            self = .p256(key)
        default:
            throw SSHWireError.unknownKeyType
        }
    }
}

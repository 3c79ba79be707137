import Crypto
import Vocabulary

/// A public key as SSH names it: somebody's, a host's or an authority's.
///
/// Values read by the initialisers are checked: lengths, points on their curves, odd moduli. Values made by hand are checked
/// where they are used, by ``check()``.
public enum SSHPublicKey: Hashable, Sendable {
    /// Ed25519: 32 bytes.
    case ed25519([UInt8])
    /// ECDSA: the uncompressed point, `0x04 X Y`.
    case ecdsa(SSHCurve, point: [UInt8])
    /// RSA: exponent and modulus, most significant byte first, without leading zeros.
    case rsa(exponent: [UInt8], modulus: [UInt8])
    /// Ed25519 in a security key, for that application (usually `ssh:`).
    case securityKeyEd25519([UInt8], application: String)
    /// ECDSA on P-256 in a security key, for that application.
    case securityKeyP256(point: [UInt8], application: String)

    /// Reads a key blob; a certificate is refused with an error of its own.
    public init(blob: [UInt8]) throws(SSHWireError) {
        guard blob.count <= SSHWire.longestKey else { throw .tooLong }
        var reader = SSHReader(blob)
        let type = try SSHKeyType(naming: try reader.text())
        try self.init(fieldsOf: type, from: &reader)
        try reader.finish()
    }

    /// Reads what follows the type's name: the same fields in key blobs and in certificates.
    init(fieldsOf type: SSHKeyType, from reader: inout SSHReader) throws(SSHWireError) {
        switch type {
        case .ed25519:
            self = .ed25519(try reader.string())
        case .ecdsaP256:
            self = .ecdsa(.p256, point: try Self.point(on: .p256, from: &reader))
        case .ecdsaP384:
            self = .ecdsa(.p384, point: try Self.point(on: .p384, from: &reader))
        case .ecdsaP521:
            self = .ecdsa(.p521, point: try Self.point(on: .p521, from: &reader))
        case .rsa:
            let exponent = try reader.magnitude()
            self = .rsa(exponent: exponent, modulus: try reader.magnitude())
        case .securityKeyEd25519:
            let key = try reader.string()
            self = .securityKeyEd25519(key, application: try reader.text())
        case .securityKeyP256:
            let point = try Self.point(on: .p256, from: &reader)
            self = .securityKeyP256(point: point, application: try reader.text())
        }
        try self.check()
    }

    private static func point(on curve: SSHCurve, from reader: inout SSHReader) throws(SSHWireError) -> [UInt8] {
        guard try reader.text() == curve.rawValue else { throw .malformedKey }
        return try reader.string()
    }

    /// The kind of this key.
    public var type: SSHKeyType {
        switch self {
        case .ed25519: .ed25519
        case .ecdsa(.p256, _): .ecdsaP256
        case .ecdsa(.p384, _): .ecdsaP384
        case .ecdsa(.p521, _): .ecdsaP521
        case .rsa: .rsa
        case .securityKeyEd25519: .securityKeyEd25519
        case .securityKeyP256: .securityKeyP256
        }
    }

    /// The size that people quote: bits of the modulus, or of the curve.
    public var bits: Int {
        switch self {
        case .ed25519, .securityKeyEd25519, .securityKeyP256, .ecdsa(.p256, _): 256
        case .ecdsa(.p384, _): 384
        case .ecdsa(.p521, _): 521
        case .rsa(_, let modulus): Self.bits(of: modulus)
        }
    }

    /// The key blob: what is hashed for the fingerprint, and what stands in base 64 in a text line.
    public var blob: [UInt8] {
        var writer = SSHWriter(capacity: 320)
        writer.write(text: self.type.rawValue)
        self.writeFields(to: &writer)
        return writer.bytes
    }

    /// Writes what follows the type's name.
    func writeFields(to writer: inout SSHWriter) {
        switch self {
        case .ed25519(let key):
            writer.write(string: key)
        case .ecdsa(let curve, let point):
            writer.write(text: curve.rawValue)
            writer.write(string: point)
        case .rsa(let exponent, let modulus):
            writer.write(magnitude: exponent)
            writer.write(magnitude: modulus)
        case .securityKeyEd25519(let key, let application):
            writer.write(string: key)
            writer.write(text: application)
        case .securityKeyP256(let point, let application):
            writer.write(text: SSHCurve.p256.rawValue)
            writer.write(string: point)
            writer.write(text: application)
        }
    }

    /// Fails unless the numbers are a key that could exist.
    public func check() throws(SSHWireError) {
        let isGood =
            switch self {
            case .ed25519(let key): Self.isGoodEd25519(key)
            case .securityKeyEd25519(let key, let application): Self.isGoodEd25519(key) && Self.isGood(application)
            case .ecdsa(let curve, let point): Self.isPoint(point, on: curve)
            case .securityKeyP256(let point, let application):
                Self.isPoint(point, on: .p256) && Self.isGood(application)
            case .rsa(let exponent, let modulus): Self.isGoodRSA(exponent, modulus)
            }
        guard isGood else { throw .malformedKey }
    }

    /// Whether 32 bytes are no point of small order, under which signatures can be made without a private key.
    ///
    /// The y coordinates of those eight points, the two among them that can also be written above the field's prime so too; the sign of x is in
    /// the last bit. Source: RFC 8032 section 5.1.2.
    private static func isGoodEd25519(_ key: [UInt8]) -> Bool {
        guard key.count == 32, let last = key.last else { return false }
        let ordinate = Hex.encode(key.dropLast() + [last & 0x7f])
        return !Self.smallOrders.contains(ordinate)
    }

    private static let smallOrders: Set<String> = {
        let middle = String(repeating: "ff", count: 30)
        return [
            String(repeating: "00", count: 32), "01" + String(repeating: "00", count: 31),
            "ec" + middle + "7f", "ed" + middle + "7f", "ee" + middle + "7f",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        ]
    }()

    private static func isGood(_ application: String) -> Bool {
        !application.isEmpty && application.utf8.count <= 1024
    }

    private static func isPoint(_ point: [UInt8], on curve: SSHCurve) -> Bool {
        guard point.count == 2 * curve.width + 1, point.first == 4 else { return false }
        switch curve {
        case .p256: return (try? P256.Signing.PublicKey(x963Representation: point)) != nil
        case .p384: return (try? P384.Signing.PublicKey(x963Representation: point)) != nil
        case .p521: return (try? P521.Signing.PublicKey(x963Representation: point)) != nil
        }
    }

    // The exponent's bound is that of BoringSSL; the modulus' bounds are those of OpenSSH.
    private static func isGoodRSA(_ exponent: [UInt8], _ modulus: [UInt8]) -> Bool {
        guard let lastOfExponent = exponent.last, let lastOfModulus = modulus.last else { return false }
        return exponent != [1] && exponent.first != 0 && exponent.count <= 4 && lastOfExponent & 1 == 1
            && modulus.first != 0 && lastOfModulus & 1 == 1 && (1024...16384).contains(Self.bits(of: modulus))
    }

    private static func bits(of magnitude: [UInt8]) -> Int {
        let digits = magnitude.drop { $0 == 0 }
        guard let first = digits.first else { return 0 }
        return digits.count * 8 - first.leadingZeroBitCount
    }
}

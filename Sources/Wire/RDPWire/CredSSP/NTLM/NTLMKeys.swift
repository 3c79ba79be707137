import Crypto

/// The computations of NTLM version 2. Source: MS-NLMP sections 3.3.2 and 3.4.5; its vectors are in section 4.2.4.
enum NTLMKeys {
    /// The key of the person: NTOWFv2.
    static func responseKey(user: String, domain: String, password: String) -> [UInt8] {
        Self.hmac(MD4.hash(UTF16Text.bytes(password)), UTF16Text.bytes(Self.upperCase(user) + domain))
    }

    /// The part of the answer that is signed: time in 100 ns since 1601, the client's challenge, the target information.
    static func blob(time: [UInt8], challenge: [UInt8], targetInfo: [UInt8]) -> [UInt8] {
        [1, 1, 0, 0, 0, 0, 0, 0] + time + challenge + [0, 0, 0, 0] + targetInfo + [0, 0, 0, 0]
    }

    /// NTProofStr: the first half of the answer.
    static func proof(responseKey: [UInt8], serverChallenge: [UInt8], blob: [UInt8]) -> [UInt8] {
        Self.hmac(responseKey, serverChallenge + blob)
    }

    /// Which of the two directions a key is for.
    enum Direction: String {
        case toHost = "client-to-server"
        case toClient = "server-to-client"
    }

    static func signKey(_ session: [UInt8], _ direction: Direction) -> [UInt8] {
        Self.md5(session + Array("session key to \(direction.rawValue) signing key magic constant".utf8) + [0])
    }

    static func sealKey(_ session: [UInt8], _ direction: Direction) -> [UInt8] {
        Self.md5(session + Array("session key to \(direction.rawValue) sealing key magic constant".utf8) + [0])
    }

    /// The value of the channel bindings' pair: a hash of RFC 2744's structure with no addresses. Zeros when there are none.
    static func channelBindings(_ binding: [UInt8]?) -> [UInt8] {
        guard let binding else { return Array(repeating: 0, count: 16) }
        return Self.md5(Array(repeating: 0, count: 16) + UInt32(binding.count).littleEndianBytes + binding)
    }

    static func hmac(_ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        Array(HMAC<Insecure.MD5>.authenticationCode(for: message, using: SymmetricKey(data: key)))
    }

    static func md5(_ message: [UInt8]) -> [UInt8] {
        Array(Insecure.MD5.hash(data: message))
    }

    /// Letter by letter as Windows does it: what becomes several letters (ß) stays as it is.
    static func upperCase(_ text: String) -> String {
        var upper = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let mapped = scalar.properties.uppercaseMapping.unicodeScalars
            upper.append(mapped.count == 1 ? mapped.first ?? scalar : scalar)
        }
        return String(upper)
    }
}

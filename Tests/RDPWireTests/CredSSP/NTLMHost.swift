import Vocabulary

@testable import RDPWire

/// The host's half of NTLM as far as tests need it: it makes challenges and checks answers as a domain controller would.
struct NTLMHost {
    static let session = [UInt8](repeating: 0x11, count: 16)
    var password = "Password"
    var flags = NTLMFlags.asked
    var info: [UInt8] =
        Self.pair(2, UTF16Text.bytes("Domain")) + Self.pair(7, [1, 2, 3, 4, 5, 6, 7, 8]) + [0, 0, 0, 0]

    static func pair(_ id: UInt16, _ value: [UInt8]) -> [UInt8] {
        id.littleEndianBytes + UInt16(value.count).littleEndianBytes + value
    }

    static func client(binding: [UInt8]? = nil, target: String? = nil) -> NTLMClient {
        NTLMClient(
            credentials: DesktopCredentials(user: "User", domain: "Domain", password: Secret("Password")),
            channelBinding: binding,
            target: target,
            random: RandomSource { [UInt8](repeating: 0x11, count: $0) },
            clock: TimeSource { Instant(seconds: 0) }
        )
    }

    var challenge: [UInt8] {
        NTLMMessage.signature + [2, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + self.flags.rawValue.littleEndianBytes
            + NTLMVectorTests.serverChallenge + [UInt8](repeating: 0, count: 8)
            + UInt16(self.info.count).littleEndianBytes + UInt16(self.info.count).littleEndianBytes
            + UInt32(56).littleEndianBytes + [UInt8](repeating: 0, count: 8) + self.info
    }

    /// The bytes that one of the six fields of an authenticate message points to.
    static func field(_ index: Int, of message: [UInt8]) -> [UInt8] {
        let start = 12 + index * 8
        let length = Int(NTLMMessage.number(message[start..<start + 2]))
        let offset = Int(NTLMMessage.number(message[start + 4..<start + 8]))
        return Array(message[offset..<offset + length])
    }

    /// The session's key when the answer is right; nil otherwise.
    func check(_ message: [UInt8], negotiate: [UInt8]) -> [UInt8]? {
        let response = Self.field(1, of: message)
        let key = NTLMKeys.responseKey(user: "User", domain: "Domain", password: self.password)
        let proof = NTLMKeys.proof(
            responseKey: key,
            serverChallenge: NTLMVectorTests.serverChallenge,
            blob: Array(response.dropFirst(16))
        )
        guard proof == Array(response.prefix(16)) else { return nil }
        var cipher = RC4(key: NTLMKeys.hmac(key, proof))
        let session = cipher.apply(Self.field(5, of: message))
        var plain = message
        plain.replaceSubrange(NTLMMessage.micRange, with: [UInt8](repeating: 0, count: 16))
        let code = NTLMKeys.hmac(session, negotiate + self.challenge + plain)
        return code == Array(message[NTLMMessage.micRange]) ? session : nil
    }
}

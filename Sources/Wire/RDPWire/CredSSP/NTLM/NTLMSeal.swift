import Vocabulary

/// Signs and encrypts in one direction. Source: MS-NLMP section 3.4.4.2 (with extended session security and key exchange).
struct NTLMSeal: Sendable {
    private static let size = 16
    private let signKey: [UInt8]
    private var cipher: RC4
    private var sequence: UInt32 = 0

    init(session: [UInt8], _ direction: NTLMKeys.Direction) {
        self.signKey = NTLMKeys.signKey(session, direction)
        self.cipher = RC4(key: NTLMKeys.sealKey(session, direction))
    }

    /// Signature, then ciphertext.
    mutating func seal(_ message: [UInt8]) -> [UInt8] {
        let cipherText = self.cipher.apply(message)
        return self.signature(message) + cipherText
    }

    /// The message, once its signature has been checked; nil when it is wrong.
    mutating func open(_ sealed: [UInt8]) -> [UInt8]? {
        guard sealed.count >= Self.size else { return nil }
        let message = self.cipher.apply(sealed.dropFirst(Self.size))
        return ConstantTime.equal(self.signature(message), sealed.prefix(Self.size)) ? message : nil
    }

    private mutating func signature(_ message: [UInt8]) -> [UInt8] {
        let number = self.sequence.littleEndianBytes
        self.sequence &+= 1
        return [1, 0, 0, 0] + self.cipher.apply(NTLMKeys.hmac(self.signKey, number + message).prefix(8)) + number
    }
}

/// The host's answer to NTLM's first message. Source: MS-NLMP section 2.2.1.2.
struct NTLMChallenge: Sendable {
    /// Lengths in NTLM have 16 bits, and the answer repeats what is in here.
    private static let limit = 16 * 1024

    let flags: NTLMFlags
    /// Eight bytes that the response has to answer.
    let challenge: [UInt8]
    let targetInfo: NTLMTargetInfo

    init(_ token: [UInt8]) throws(RDPWireError) {
        guard token.count <= Self.limit else { throw .tooLong("NTLM: a challenge of \(token.count) bytes") }
        guard token.count >= 48, token.starts(with: NTLMMessage.signature + [2, 0, 0, 0]) else {
            throw .malformed("NTLM: not a challenge")
        }
        self.flags = NTLMFlags(rawValue: NTLMMessage.number(token[20..<24]))
        guard self.flags.isSuperset(of: .needed) else {
            throw .notTrusted("NTLM: the host offers no 128-bit sealing")
        }
        self.challenge = Array(token[24..<32])
        let length = Int(NTLMMessage.number(token[40..<42]))
        let offset = Int(NTLMMessage.number(token[44..<48]))
        guard offset >= 48, offset + length <= token.count else {
            throw .malformed("NTLM: target information beyond the challenge")
        }
        self.targetInfo = try NTLMTargetInfo(token[offset..<offset + length])
    }
}

/// What the host says of itself in its challenge, and what the client adds. Source: MS-NLMP section 2.2.2.1.
struct NTLMTargetInfo: Sendable {
    static let end: UInt16 = 0
    static let flags: UInt16 = 6
    static let timestamp: UInt16 = 7
    static let targetName: UInt16 = 9
    static let channelBindings: UInt16 = 10
    /// In the flags: the authenticate message carries a MIC.
    static let hasMIC: UInt32 = 2

    /// The most pairs that are read; the protocol knows eleven.
    static let most = 32

    /// The pairs in the host's order, without the end mark.
    private(set) var pairs: [(id: UInt16, value: [UInt8])] = []

    init(_ bytes: ArraySlice<UInt8>) throws(RDPWireError) {
        var rest = bytes
        while true {
            guard rest.count >= 4 else { throw .malformed("NTLM: target information without an end") }
            let id = UInt16(truncatingIfNeeded: NTLMMessage.number(rest.prefix(2)))
            let length = Int(NTLMMessage.number(rest.dropFirst(2).prefix(2)))
            rest = rest.dropFirst(4)
            guard id != Self.end else { break }
            guard self.pairs.count < Self.most else { throw .tooLong("NTLM: a list of target information") }
            guard length <= rest.count else { throw .malformed("NTLM: a value beyond the target information") }
            guard self[id] == nil else { throw .malformed("NTLM: the same value twice in the target information") }
            self.pairs.append((id, Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        if let time = self[Self.timestamp], time.count != 8 { throw .malformed("NTLM: a time of \(time.count) bytes") }
        if let flags = self[Self.flags], flags.count != 4 { throw .malformed("NTLM: flags of \(flags.count) bytes") }
    }

    /// The value of a pair; setting replaces it where it stands or adds it at the end.
    subscript(id: UInt16) -> [UInt8]? {
        get { self.pairs.first { $0.id == id }?.value }
        set {
            guard let newValue else { return self.pairs.removeAll { $0.id == id } }
            if let index = self.pairs.firstIndex(where: { $0.id == id }) {
                self.pairs[index].value = newValue
            } else {
                self.pairs.append((id, newValue))
            }
        }
    }

    /// The pairs with their end mark.
    var bytes: [UInt8] {
        self.pairs.flatMap {
            $0.id.littleEndianBytes + UInt16(truncatingIfNeeded: $0.value.count).littleEndianBytes + $0.value
        } + [0, 0, 0, 0]
    }
}

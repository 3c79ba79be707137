/// One question to a name server, and the addresses in its answer. Source: RFC 1035 section 4, RFC 3596.
struct DNSQuestion: Hashable, Sendable {
    /// What is asked for.
    enum Kind: UInt16, Sendable {
        /// An IPv4 address.
        case address = 1
        /// An IPv6 address.
        case longAddress = 28
    }

    /// The packet.
    let bytes: [UInt8]
    private let id: UInt16
    private let kind: Kind

    /// Makes a question; nil for a name that DNS cannot carry.
    init?(id: UInt16, name: String, kind: Kind) {
        var bytes = Self.short(id) + [0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]
        guard name.utf8.count <= 253 else { return nil }
        for label in name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard (1...63).contains(label.count) else { return nil }
            bytes += [UInt8(label.count)] + label
        }
        self.bytes = bytes + [0] + Self.short(kind.rawValue) + [0, 1]
        self.id = id
        self.kind = kind
    }

    /// The addresses in an answer to this question; nil when the packet is something else. Aliases are followed by the name server.
    func addresses(inAnswer answer: [UInt8]) -> [[UInt8]]? {
        guard answer.count >= self.bytes.count, Array(answer[0..<2]) == Self.short(self.id), answer[2] & 0x80 != 0,
            Array(answer[12..<self.bytes.count]) == Array(self.bytes[12...])
        else { return nil }
        var addresses: [[UInt8]] = []
        var position = self.bytes.count
        for _ in 0..<(Int(answer[6]) << 8 | Int(answer[7])) {
            guard let after = Self.skipName(answer, position), after + 10 <= answer.count else { return addresses }
            let type = UInt16(answer[after]) << 8 | UInt16(answer[after + 1])
            let length = Int(answer[after + 8]) << 8 | Int(answer[after + 9])
            position = after + 10 + length
            guard position <= answer.count else { return addresses }
            let expected = self.kind == .address ? 4 : 16
            if type == self.kind.rawValue, length == expected {
                addresses.append(Array(answer[(after + 10)..<position]))
            }
        }
        return addresses
    }

    private static func skipName(_ bytes: [UInt8], _ start: Int) -> Int? {
        var position = start
        while position < bytes.count {
            let length = bytes[position]
            if length == 0 { return position + 1 }
            if length & 0xc0 == 0xc0 { return position + 2 }
            guard length & 0xc0 == 0 else { return nil }
            position += 1 + Int(length)
        }
        return nil
    }

    private static func short(_ value: UInt16) -> [UInt8] {
        [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)]
    }
}

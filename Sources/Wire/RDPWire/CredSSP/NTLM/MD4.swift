/// The hash that Windows keeps of a password. Broken as a hash for anything else, and used for nothing else. Source: RFC 1320.
enum MD4 {
    /// The 16 bytes of the digest.
    static func hash(_ message: [UInt8]) -> [UInt8] {
        var padded = message
        padded.append(0x80)
        padded += Array(repeating: 0, count: (120 - padded.count % 64) % 64)
        padded += UInt64(message.count &* 8).littleEndianBytes
        var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476]
        for start in stride(from: 0, to: padded.count, by: 64) {
            let words = (0..<16).map { index in
                (0..<4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(padded[start + index * 4 + $1]) }
            }
            Self.mix(words, into: &state)
        }
        return state.flatMap(\.littleEndianBytes)
    }

    private static let orders: [[Int]] = [
        Array(0..<16),
        [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
        [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    ]
    private static let shifts: [[UInt32]] = [[3, 7, 11, 19], [3, 5, 9, 13], [3, 9, 11, 15]]
    private static let constants: [UInt32] = [0, 0x5A82_7999, 0x6ED9_EBA1]

    private static func mix(_ words: [UInt32], into state: inout [UInt32]) {
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        for round in 0..<3 {
            for step in 0..<16 {
                let mixed: UInt32 =
                    switch round {
                    case 0: b & c | ~b & d
                    case 1: b & c | b & d | c & d
                    default: b ^ c ^ d
                    }
                let sum = a &+ mixed &+ words[Self.orders[round][step]] &+ Self.constants[round]
                let shift = Self.shifts[round][step % 4]
                (a, b, c, d) = (d, sum << shift | sum >> (32 - shift), b, c)
            }
        }
        state = [state[0] &+ a, state[1] &+ b, state[2] &+ c, state[3] &+ d]
    }
}

extension FixedWidthInteger {
    /// The number's bytes, the lowest first.
    var littleEndianBytes: [UInt8] {
        withUnsafeBytes(of: self.littleEndian) { Array($0) }
    }
}

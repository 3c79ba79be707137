/// Follows a host's stream up to the message that says that somebody is signed in: the Save Session Info PDU. Source: MS-RDPBCGR 2.2.10.1.
///
/// Looks at the first bytes of each message and passes over the rest. Not every host sends it.
public struct LogonWatch: Hashable, Sendable {
    // As many bytes as tell that message apart, with the longest length in front of its data.
    private static let needed = 34

    private let channel: Int
    private var head: [UInt8] = []
    private var left = 0
    private var isLost = false

    /// Starts between two messages.
    /// - Parameter channel: the host's own.
    public init(channel: Int) {
        self.channel = channel
    }

    /// Follows the next bytes of the stream; whether the message was among them.
    public mutating func follow(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        while position < bytes.count, !self.isLost {
            if self.left > 0 {
                let step = min(self.left, bytes.count - position)
                self.left -= step
                position += step
                continue
            }
            self.head.append(bytes[position])
            position += 1
            guard let length = self.length else { continue }
            guard length >= self.head.count else {
                self.isLost = true
                return false
            }
            if self.head[0] == 3, self.head.count < min(length, Self.needed) { continue }
            if self.isLogon { return true }
            self.left = length - self.head.count
            self.head.removeAll(keepingCapacity: true)
        }
        return false
    }

    // Of the message that begins with what is there; slow-path in TPKT, or fast-path. Source: MS-RDPBCGR 2.2.9.1.2.
    private var length: Int? {
        switch (self.head[0], self.head.count) {
        case (3, 4...): Int(self.head[2]) << 8 | Int(self.head[3])
        case (3, _): nil
        case (_, 2) where self.head[1] & 0x80 == 0: Int(self.head[1])
        case (_, 3...): Int(self.head[1] & 0x7f) << 8 | Int(self.head[2])
        default: nil
        }
    }

    // Data of a share (7) of that kind (0x26), not compressed, which says who signed in (0 to 2) and not that there was trouble.
    private var isLogon: Bool {
        guard self.head.count == Self.needed, self.head[7] == ChannelData.Side.host.rawValue,
            Int(self.head[10]) << 8 | Int(self.head[11]) == self.channel
        else { return false }
        let data = self.head[13] < 0x80 ? 14 : 15
        return self.head[data + 2] & 0x0f == 7 && self.head[data + 14] == 0x26 && self.head[data + 15] & 0x20 == 0
            && self.head[data + 18] <= 2
    }
}

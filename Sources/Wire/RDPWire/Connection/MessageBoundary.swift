/// Knows whether a host's stream of messages stands between two of them, so that another may be put there.
///
/// Follows slow-path (TPKT) and fast-path lengths and looks at nothing else. Source: MS-RDPBCGR 2.2.9.1.2, RFC 1006 section 6.
public struct MessageBoundary: Hashable, Sendable {
    private var header: [UInt8] = []
    private var left = 0
    private var isLost = false

    /// Starts between two messages.
    public init() {}

    /// Whether another message may follow here.
    public var isBetweenMessages: Bool { !self.isLost && self.left == 0 && self.header.isEmpty }

    /// Follows the next bytes of the stream.
    public mutating func follow(_ bytes: UnsafeRawBufferPointer) {
        var position = 0
        while position < bytes.count, !self.isLost {
            if self.left > 0 {
                let step = min(self.left, bytes.count - position)
                self.left -= step
                position += step
                continue
            }
            self.header.append(bytes[position])
            position += 1
            self.measure()
        }
    }

    private mutating func measure() {
        let length: Int
        switch (self.header[0], self.header.count) {
        case (3, 4):
            length = Int(self.header[2]) << 8 | Int(self.header[3])
        case (3, _):
            return
        case (_, 2) where self.header[1] & 0x80 == 0:
            length = Int(self.header[1])
        case (_, 3):
            length = Int(self.header[1] & 0x7f) << 8 | Int(self.header[2])
        default:
            return
        }
        guard length >= self.header.count else {
            self.isLost = true
            return
        }
        self.left = length - self.header.count
        self.header.removeAll(keepingCapacity: true)
    }
}

import NIOCore

/// The desktop's bytes of one read, joined: who takes them has work to do for each piece, and small packets come by the dozen.
struct GatewayBatch {
    private let room: Int
    private var bytes = ByteBuffer()
    private var isJoined = false

    /// Makes an empty one for a read of so many bytes, heads of packets included.
    init(room: Int) {
        self.room = room
    }

    /// Adds a piece. One alone is not copied.
    mutating func add(_ piece: ByteBuffer) {
        guard self.bytes.readableBytes > 0 else {
            self.bytes = piece
            return
        }
        if !self.isJoined {
            var joined = ByteBufferAllocator().buffer(capacity: self.room)
            joined.writeImmutableBuffer(self.bytes)
            self.bytes = joined
            self.isJoined = true
        }
        self.bytes.writeImmutableBuffer(piece)
    }

    /// Everything so far; it is empty after that.
    mutating func take() -> ByteBuffer {
        defer {
            self.bytes = ByteBuffer()
            self.isJoined = false
        }
        return self.bytes
    }
}

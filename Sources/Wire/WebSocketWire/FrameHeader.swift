internal import NIOCore

/// The 2 to 14 bytes before a frame's payload. Source: RFC 6455 section 5.2.
struct FrameHeader: Hashable, Sendable {
    var isFinal: Bool
    var opcode: Opcode
    var mask: MaskKey?
    var length: UInt64

    /// The most that a header can take.
    static let longest = 14

    init(isFinal: Bool, opcode: Opcode, mask: MaskKey?, length: UInt64) {
        self.isFinal = isFinal
        self.opcode = opcode
        self.mask = mask
        self.length = length
    }

    /// Reads a header that `receiver` was sent and moves past it; nil, and nothing moved, when more bytes are needed.
    init?(from buffer: inout ByteBuffer, receiver: WebSocketRole) throws(WebSocketWireError) {
        var cursor = buffer
        guard let first = cursor.readInteger(as: UInt8.self) else { return nil }
        guard first & 0x70 == 0 else { throw .reservedBits }
        guard let opcode = Opcode(rawValue: first & 0x0f) else { throw .unknownOpcode(first & 0x0f) }
        self.opcode = opcode
        self.isFinal = first & 0x80 != 0
        guard self.isFinal || !opcode.isControl else { throw .controlFrameFragmented }

        guard let second = cursor.readInteger(as: UInt8.self) else { return nil }
        let isMasked = second & 0x80 != 0
        switch receiver {
        case .server: guard isMasked else { throw .maskMissing }
        case .client: guard !isMasked else { throw .maskPresent }
        }
        let short = second & 0x7f
        guard short <= 125 || !opcode.isControl else { throw .controlFrameTooLong }
        switch short {
        case 126:
            guard let length = cursor.readInteger(as: UInt16.self) else { return nil }
            guard length > 125 else { throw .badLength }
            self.length = UInt64(length)
        case 127:
            guard let length = cursor.readInteger(as: UInt64.self) else { return nil }
            guard length > 0xffff, length < 1 << 63 else { throw .badLength }
            self.length = length
        default:
            self.length = UInt64(short)
        }
        if isMasked {
            guard let key = cursor.readInteger(as: UInt32.self) else { return nil }
            self.mask = MaskKey(key)
        } else {
            self.mask = nil
        }
        buffer = cursor
    }

    /// The number of bytes that `write` appends.
    var size: Int {
        2 + (self.length <= 125 ? 0 : self.length <= 0xffff ? 2 : 8) + (self.mask == nil ? 0 : 4)
    }

    /// Appends the header with its length in the fewest bytes.
    func write(to buffer: inout ByteBuffer) {
        buffer.writeInteger((self.isFinal ? 0x80 : 0) | self.opcode.rawValue)
        let flag: UInt8 = self.mask == nil ? 0 : 0x80
        if self.length <= 125 {
            buffer.writeInteger(flag | UInt8(self.length))
        } else if self.length <= 0xffff {
            buffer.writeInteger(flag | 126)
            buffer.writeInteger(UInt16(self.length))
        } else {
            buffer.writeInteger(flag | 127)
            buffer.writeInteger(self.length)
        }
        if let mask = self.mask {
            buffer.writeInteger(mask.value)
        }
    }
}

public import NIOCore

/// What arrived on a connection, in order.
public enum FrameEvent: Hashable, Sendable {
    /// A piece of a message, as much as has come; `endsMessage` with its last byte.
    case payload(ByteBuffer, PayloadKind, endsMessage: Bool)
    /// To be answered with a pong of the same payload.
    case ping(ByteBuffer)
    /// The answer to a ping.
    case pong(ByteBuffer)
    /// The other side's last word; no code when it gave none.
    case close(CloseCode?, reason: String)
}

/// Whether the receiver cares where messages begin and end.
public enum MessageBoundaries: Hashable, Sendable {
    /// Every piece says whether it ends its message; an empty message is an empty piece.
    case kept
    /// A stream of bytes: neighbouring pieces are joined into one buffer a read, empty ones vanish.
    case dropped
}

/// Turns received bytes into events without waiting for whole frames. Source: RFC 6455 section 5.
///
/// All payload of one read is unmasked while it is copied into one new buffer: the TLS library keeps a reference to the
/// buffer that it hands on, so unmasking in place would copy too. A client's payload is not masked and is handed on as
/// slices.
public struct FrameDecoder: Sendable {
    private enum Draft {
        case masked(Range<Int>, PayloadKind, endsMessage: Bool)
        case ready(FrameEvent)
    }

    private let role: WebSocketRole
    private let boundaries: MessageBoundaries
    private let acceptsText: Bool
    private var header: FrameHeader?
    private var consumed: UInt64 = 0
    private var message: PayloadKind?
    private var heldHeader = ByteBuffer()
    private var control = ByteBuffer()

    /// Whether a close frame has been read or the protocol been broken; whatever follows is dropped.
    public private(set) var isClosed = false

    /// Makes a decoder for the end that receives.
    public init(role: WebSocketRole, boundaries: MessageBoundaries = .kept, acceptsText: Bool = true) {
        self.role = role
        self.boundaries = boundaries
        self.acceptsText = acceptsText
    }

    /// Takes what one read brought and appends what follows from it.
    ///
    /// Events appended before an error is thrown are valid.
    public mutating func feed(
        _ bytes: ByteBuffer,
        into events: inout [FrameEvent]
    ) throws(WebSocketWireError) {
        guard !self.isClosed else { return }
        var input = bytes
        var output = ByteBuffer()
        var drafts: [Draft] = []
        do throws(WebSocketWireError) {
            while try self.step(&input, &output, &drafts) {}
        } catch {
            self.isClosed = true
            Self.finish(drafts, output, into: &events)
            throw error
        }
        Self.finish(drafts, output, into: &events)
    }

    /// One header or one piece of payload; false when the input is used up.
    private mutating func step(
        _ input: inout ByteBuffer,
        _ output: inout ByteBuffer,
        _ drafts: inout [Draft]
    ) throws(WebSocketWireError) -> Bool {
        guard !self.isClosed else { return false }
        guard let header = self.header else {
            guard let header = try self.readHeader(&input) else { return false }
            try self.begin(header)
            if header.length == 0 {
                try self.end(header, &drafts, at: output.writerIndex)
            }
            return true
        }
        let count = Int(min(UInt64(input.readableBytes), header.length - self.consumed))
        guard count > 0, let piece = input.readSlice(length: count) else { return false }
        let phase = self.consumed
        self.consumed += UInt64(count)
        let isWhole = self.consumed == header.length
        if header.opcode.isControl {
            Self.append(piece, to: &self.control, header.mask, phase, capacity: Int(header.length))
            if isWhole {
                try self.end(header, &drafts, at: output.writerIndex)
            }
            return true
        }
        let kind = self.message ?? .binary
        let endsMessage = isWhole && header.isFinal
        if header.mask == nil {
            drafts.append(.ready(.payload(piece, kind, endsMessage: endsMessage)))
        } else {
            let start = output.writerIndex
            Self.append(piece, to: &output, header.mask, phase, capacity: count + input.readableBytes)
            self.note(start..<output.writerIndex, kind, endsMessage, &drafts)
        }
        if isWhole {
            self.leave(header)
        }
        return true
    }

    /// Records a run of unmasked bytes, joined to the run before it when nobody asks for boundaries.
    private func note(_ run: Range<Int>, _ kind: PayloadKind, _ endsMessage: Bool, _ drafts: inout [Draft]) {
        if self.boundaries == .dropped, case .masked(let last, kind, _) = drafts.last {
            drafts[drafts.count - 1] = .masked(last.lowerBound..<run.upperBound, kind, endsMessage: endsMessage)
        } else {
            drafts.append(.masked(run, kind, endsMessage: endsMessage))
        }
    }

    /// The next header, put together from pieces if it came in pieces.
    private mutating func readHeader(_ input: inout ByteBuffer) throws(WebSocketWireError) -> FrameHeader? {
        guard self.heldHeader.readableBytes > 0 else {
            if let header = try FrameHeader(from: &input, receiver: self.role) {
                return header
            }
            self.heldHeader.writeBuffer(&input)
            return nil
        }
        let before = self.heldHeader.readableBytes
        let more = min(FrameHeader.longest - before, input.readableBytes)
        guard more > 0, let piece = input.getSlice(at: input.readerIndex, length: more) else { return nil }
        self.heldHeader.writeImmutableBuffer(piece)
        guard let header = try FrameHeader(from: &self.heldHeader, receiver: self.role) else {
            input.moveReaderIndex(forwardBy: more)
            return nil
        }
        input.moveReaderIndex(forwardBy: header.size - before)
        self.heldHeader.clear()
        return header
    }

    private mutating func begin(_ header: FrameHeader) throws(WebSocketWireError) {
        switch header.opcode {
        case .continuation:
            guard self.message != nil else { throw .nothingToContinue }
        case .text, .binary:
            guard self.message == nil else { throw .messageNotComplete }
            guard self.acceptsText || header.opcode == .binary else { throw .textRefused }
            self.message = header.opcode == .text ? .text : .binary
        case .close, .ping, .pong:
            self.control.clear()
        }
        self.header = header
        self.consumed = 0
    }

    /// Ends a control frame, or an empty data frame.
    private mutating func end(
        _ header: FrameHeader,
        _ drafts: inout [Draft],
        at index: Int
    ) throws(WebSocketWireError) {
        let content = self.control
        switch header.opcode {
        case .ping: drafts.append(.ready(.ping(content)))
        case .pong: drafts.append(.ready(.pong(content)))
        case .close:
            let close = try Self.closeEvent(content)
            drafts.append(.ready(close))
            self.isClosed = true
        case .continuation, .text, .binary:
            if self.boundaries == .kept, header.isFinal {
                drafts.append(.masked(index..<index, self.message ?? .binary, endsMessage: true))
            }
        }
        self.leave(header)
    }

    private mutating func leave(_ header: FrameHeader) {
        if header.isFinal, !header.opcode.isControl {
            self.message = nil
        }
        self.header = nil
    }

    private static func closeEvent(_ content: ByteBuffer) throws(WebSocketWireError) -> FrameEvent {
        var content = content
        guard content.readableBytes > 0 else { return .close(nil, reason: "") }
        guard let number = content.readInteger(as: UInt16.self) else { throw .closePayloadTooShort }
        let code = CloseCode(rawValue: number)
        guard code.mayBeSent else { throw .closeCodeForbidden(number) }
        guard let reason = String(validating: content.readableBytesView, as: UTF8.self) else { throw .notUTF8 }
        return .close(code, reason: reason)
    }

    /// Copies a piece of payload to the end of a buffer, unmasked.
    private static func append(
        _ piece: ByteBuffer,
        to buffer: inout ByteBuffer,
        _ mask: MaskKey?,
        _ phase: UInt64,
        capacity: Int
    ) {
        guard let mask else {
            buffer.writeImmutableBuffer(piece)
            return
        }
        buffer.reserveCapacity(minimumWritableBytes: capacity)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: piece.readableBytes) { destination in
            piece.withUnsafeReadableBytes { source in
                mask.copy(source, to: destination, phase: phase)
                return source.count
            }
        }
    }

    // Slices are cut last: a slice taken earlier would share the buffer and make the next write copy all of it.
    private static func finish(_ drafts: [Draft], _ output: ByteBuffer, into events: inout [FrameEvent]) {
        for draft in drafts {
            switch draft {
            case .ready(let event): events.append(event)
            case .masked(let range, let kind, let endsMessage):
                let piece = output.getSlice(at: range.lowerBound, length: range.count) ?? ByteBuffer()
                events.append(.payload(piece, kind, endsMessage: endsMessage))
            }
        }
    }
}

import NIOCore
import Testing

@testable import WebSocketWire

@Suite struct FrameDecoderTests {
    @Test("reads the RFC's unmasked text as a client")
    func unmaskedText() throws {
        let events = try decode(bytes(0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f), as: .client)
        #expect(events == [.payload(ByteBuffer(string: "Hello"), .text, endsMessage: true)])
    }

    @Test("reads the RFC's masked text as a server")
    func maskedText() throws {
        let input = bytes(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58)
        #expect(try decode(input, as: .server) == [.payload(ByteBuffer(string: "Hello"), .text, endsMessage: true)])
    }

    @Test("reads the RFC's fragmented text")
    func fragmentedText() throws {
        let events = try decode(bytes(0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f), as: .client)
        #expect(
            events == [
                .payload(ByteBuffer(string: "Hel"), .text, endsMessage: false),
                .payload(ByteBuffer(string: "lo"), .text, endsMessage: true),
            ]
        )
    }

    @Test("reads the RFC's ping and masked pong")
    func pingAndPong() throws {
        let ping = try decode(bytes(0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f), as: .client)
        #expect(ping == [.ping(ByteBuffer(string: "Hello"))])
        let pong = bytes(0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58)
        #expect(try decode(pong, as: .server) == [.pong(ByteBuffer(string: "Hello"))])
    }

    @Test("reads the RFC's 256 byte and 64 KiB binary messages")
    func longLengths() throws {
        for (head, count) in [
            ([0x82, 0x7e, 0x01, 0x00] as [UInt8], 256), ([0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0], 65536),
        ] {
            let events = try decode(ByteBuffer(bytes: head + [UInt8](repeating: 7, count: count)), as: .client)
            #expect(events == [.payload(ByteBuffer(repeating: 7, count: count), .binary, endsMessage: true)])
        }
    }

    @Test("hands payload on before the frame is complete")
    func streams() throws {
        var decoder = FrameDecoder(role: .client)
        var events: [FrameEvent] = []
        try decoder.feed(bytes(0x82, 0x7f, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2), into: &events)
        #expect(events == [.payload(bytes(1, 2), .binary, endsMessage: false)])
    }

    @Test("joins all payload of one read into one buffer when boundaries do not matter")
    func joins() throws {
        var input = FrameEncoder(role: .client).frame(.binary, ByteBuffer(string: "one "))
        input.writeImmutableBuffer(FrameEncoder(role: .client).frame(.binary, ByteBuffer()))
        input.writeImmutableBuffer(FrameEncoder(role: .client).frame(.binary, ByteBuffer(string: "two")))
        let events = try decode(input, as: .server, boundaries: .dropped)
        #expect(events == [.payload(ByteBuffer(string: "one two"), .binary, endsMessage: true)])
    }

    @Test("keeps a control frame in its place between fragments")
    func controlBetweenFragments() throws {
        let encoder = FrameEncoder(role: .client)
        var input = encoder.frame(.binary, ByteBuffer(string: "a"), isFinal: false)
        input.writeImmutableBuffer(encoder.frame(.ping, ByteBuffer(string: "?")))
        input.writeImmutableBuffer(encoder.frame(.continuation, ByteBuffer(string: "b")))
        #expect(
            try decode(input, as: .server, boundaries: .dropped) == [
                .payload(ByteBuffer(string: "a"), .binary, endsMessage: false),
                .ping(ByteBuffer(string: "?")),
                .payload(ByteBuffer(string: "b"), .binary, endsMessage: true),
            ]
        )
    }

    @Test("tells of an empty message only where boundaries matter")
    func emptyMessage() throws {
        let input = FrameEncoder(role: .client).frame(.binary, ByteBuffer())
        #expect(try decode(input, as: .server) == [.payload(ByteBuffer(), .binary, endsMessage: true)])
        #expect(try decode(input, as: .server, boundaries: .dropped).isEmpty)
    }

    @Test("reads close frames with and without a code, and nothing after them")
    func close() throws {
        let encoder = FrameEncoder(role: .client)
        var input = encoder.close(.goingAway, reason: "bye")
        input.writeImmutableBuffer(encoder.frame(.binary, ByteBuffer(string: "late")))
        #expect(try decode(input, as: .server) == [.close(.goingAway, reason: "bye")])
        #expect(try decode(encoder.close(nil), as: .server) == [.close(nil, reason: "")])
    }

    static let violations: [(WebSocketRole, [UInt8], WebSocketWireError)] = [
        (.client, [0xc2, 0x00], .reservedBits),
        (.client, [0xa2, 0x00], .reservedBits),
        (.client, [0x92, 0x00], .reservedBits),
        (.client, [0x83, 0x00], .unknownOpcode(3)),
        (.client, [0x8f, 0x00], .unknownOpcode(15)),
        (.server, [0x82, 0x01, 0x00], .maskMissing),
        (.client, [0x82, 0x81, 1, 2, 3, 4, 0x00], .maskPresent),
        (.client, [0x89, 0x7e, 0x00, 0x7e], .controlFrameTooLong),
        (.client, [0x88, 0x7f], .controlFrameTooLong),
        (.client, [0x09, 0x00], .controlFrameFragmented),
        (.client, [0x80, 0x00], .nothingToContinue),
        (.client, [0x02, 0x00, 0x82, 0x00], .messageNotComplete),
        (.client, [0x82, 0x7e, 0x00, 0x7d], .badLength),
        (.client, [0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff], .badLength),
        (.client, [0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0], .badLength),
        (.client, [0x88, 0x01, 0x03], .closePayloadTooShort),
        (.client, [0x88, 0x02, 0x03, 0xed], .closeCodeForbidden(1005)),
        (.client, [0x88, 0x02, 0x03, 0xee], .closeCodeForbidden(1006)),
        (.client, [0x88, 0x02, 0x03, 0xf7], .closeCodeForbidden(1015)),
        (.client, [0x88, 0x02, 0x00, 0x00], .closeCodeForbidden(0)),
        (.client, [0x88, 0x02, 0x13, 0x88], .closeCodeForbidden(5000)),
        (.client, [0x88, 0x03, 0x03, 0xe8, 0xff], .notUTF8),
    ]

    @Test("refuses what the RFC forbids", arguments: violations)
    func refuses(role: WebSocketRole, input: [UInt8], error: WebSocketWireError) {
        #expect(throws: error) { try decode(ByteBuffer(bytes: input), as: role) }
    }

    @Test("refuses the same when every byte comes alone", arguments: violations)
    func refusesPiecemeal(role: WebSocketRole, input: [UInt8], error: WebSocketWireError) {
        #expect(throws: error) {
            var decoder = FrameDecoder(role: role)
            var events: [FrameEvent] = []
            for byte in input {
                try decoder.feed(bytes(byte), into: &events)
            }
        }
    }

    @Test("refuses text where only binary messages are taken")
    func refusesText() {
        #expect(throws: WebSocketWireError.textRefused) {
            try decode(bytes(0x81, 0x00), as: .client, acceptsText: false)
        }
        #expect(WebSocketWireError.textRefused.closeCode == .unacceptableData)
    }

    @Test("delivers what came before a violation, and nothing afterwards")
    func beforeViolation() throws {
        var decoder = FrameDecoder(role: .client)
        var events: [FrameEvent] = []
        #expect(throws: WebSocketWireError.reservedBits) {
            try decoder.feed(bytes(0x82, 0x01, 0x2a, 0xf0), into: &events)
        }
        #expect(events == [.payload(bytes(0x2a), .binary, endsMessage: true)])
        try decoder.feed(bytes(0x82, 0x01, 0x2a), into: &events)
        #expect(events.count == 1)
    }

    @Test("finds the same bytes however the stream is cut", arguments: 0..<200 as Range<UInt64>)
    func anyCut(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let encoder = FrameEncoder(role: .client)
        var stream = ByteBuffer()
        var expected: [UInt8] = []
        for _ in 0..<6 {
            let count = [0, 1, 7, 125, 126, 300, 4096].randomElement(using: &random) ?? 0
            let content = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            expected += content
            stream.writeImmutableBuffer(encoder.frame(.binary, ByteBuffer(bytes: content)))
        }
        var decoder = FrameDecoder(role: .server, boundaries: .dropped, acceptsText: false)
        var found: [UInt8] = []
        while stream.readableBytes > 0 {
            let count = min(stream.readableBytes, Int.random(in: 1...700, using: &random))
            var events: [FrameEvent] = []
            try decoder.feed(stream.readSlice(length: count) ?? ByteBuffer(), into: &events)
            for case .payload(let piece, .binary, _) in events {
                #expect(piece.readableBytes > 0)
                found += Array(piece.readableBytesView)
            }
        }
        #expect(found == expected)
    }

    @Test("survives any bytes", arguments: 0..<400 as Range<UInt64>)
    func anyBytes(seed: UInt64) {
        var random = Seeded(state: seed)
        for role in [WebSocketRole.client, .server] {
            var decoder = FrameDecoder(role: role, boundaries: seed % 2 == 0 ? .kept : .dropped)
            var events: [FrameEvent] = []
            for _ in 0..<20 {
                let opcodes: [UInt8] = [0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a]
                var input = [opcodes.randomElement(using: &random) ?? 0]
                let flag: UInt8 = role == .server ? 0x80 : 0
                input.append(flag | UInt8.random(in: 0...127, using: &random))
                input += (0..<Int.random(in: 0...200, using: &random)).map { _ in .random(in: 0...255, using: &random) }
                try? decoder.feed(ByteBuffer(bytes: input), into: &events)
            }
        }
    }
}

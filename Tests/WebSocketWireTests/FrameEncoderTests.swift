import NIOCore
import Testing
import Vocabulary

@testable import WebSocketWire

@Suite struct FrameEncoderTests {
    @Test("writes the RFC's examples")
    func examples() {
        let hello = ByteBuffer(string: "Hello")
        #expect(FrameEncoder(role: .server).text("Hello") == bytes(0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f))
        #expect(
            FrameEncoder(role: .client, random: exampleMask).frame(.text, hello)
                == bytes(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58)
        )
        #expect(
            FrameEncoder(role: .server).frame(.text, ByteBuffer(string: "Hel"), isFinal: false)
                == bytes(0x01, 0x03, 0x48, 0x65, 0x6c)
        )
    }

    @Test("writes a length in the fewest bytes", arguments: [0, 125, 126, 65535, 65536])
    func lengths(count: Int) throws {
        for role in [WebSocketRole.server, .client] {
            let frame = FrameEncoder(role: role).frame(.binary, ByteBuffer(repeating: 9, count: count))
            let mask = role == .client ? 4 : 0
            #expect(frame.readableBytes == count + mask + (count <= 125 ? 2 : count <= 65535 ? 4 : 10))
            let events = try decode(frame, as: role == .client ? .server : .client)
            #expect(events == [.payload(ByteBuffer(repeating: 9, count: count), .binary, endsMessage: true)])
        }
    }

    @Test("draws a new mask for every frame")
    func freshMasks() {
        let encoder = FrameEncoder(role: .client)
        #expect(
            encoder.frame(.binary, ByteBuffer(string: "same")) != encoder.frame(.binary, ByteBuffer(string: "same"))
        )
    }

    @Test("cuts a long reason between characters")
    func cutsReason() throws {
        let frame = FrameEncoder(role: .server).close(.policyViolation, reason: String(repeating: "é", count: 200))
        #expect(
            try decode(frame, as: .client)
                == [.close(.policyViolation, reason: String(repeating: "é", count: 61))]
        )
    }

    @Test("leaves out a code that must not be sent")
    func forbiddenCode() throws {
        let frame = FrameEncoder(role: .server).close(CloseCode(rawValue: 1006), reason: "gone")
        #expect(try decode(frame, as: .client) == [.close(nil, reason: "")])
    }
}

@Suite struct MaskKeyTests {
    @Test("combines like a byte loop at every length and phase")
    func likeByteLoop() {
        let key = MaskKey(0x37fa_213d)
        let octets: [UInt8] = [0x37, 0xfa, 0x21, 0x3d]
        for count in 0..<40 {
            for phase in 0..<5 {
                let source = (0..<count).map { UInt8($0 * 7 & 0xff) }
                var result = [UInt8](repeating: 0, count: count)
                result.withUnsafeMutableBytes { destination in
                    source.withUnsafeBytes { key.copy($0, to: destination, phase: UInt64(phase)) }
                }
                #expect(result == source.enumerated().map { $1 ^ octets[($0 + phase) % 4] })
            }
        }
    }
}

@Suite struct WebSocketHandshakeTests {
    @Test("answers the RFC's key")
    func acceptance() {
        #expect(WebSocketHandshake.acceptance(of: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test("digests the vectors of RFC 3174")
    func digests() {
        #expect(Hex.encode(SHA1.digest(of: Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            Hex.encode(SHA1.digest(of: Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)))
                == "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        )
        #expect(Hex.encode(SHA1.digest(of: [])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    }

    @Test("makes keys that are keys")
    func newKeys() {
        for _ in 0..<50 {
            #expect(WebSocketHandshake.isKey(WebSocketHandshake.newKey()))
        }
    }

    @Test(
        "refuses keys of another length or alphabet",
        arguments: [
            "", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZSE=",
            "dGhlIHNh-XBsZSBub25jZQ==",
            "dGhlIHNhbXBsZSBub25jZ===",
        ]
    )
    func badKeys(key: String) {
        #expect(!WebSocketHandshake.isKey(key))
    }
}

@Suite struct MessageAssemblerTests {
    @Test("puts a message together from fragments")
    func assembles() throws {
        var assembler = MessageAssembler(role: .client)
        var events: [MessageEvent] = []
        try assembler.feed(bytes(0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c), into: &events)
        #expect(events.isEmpty)
        try assembler.feed(bytes(0x6f), into: &events)
        #expect(events == [.text("Hello")])
    }

    @Test("refuses a message over its limit, however it is cut")
    func limit() {
        let encoder = FrameEncoder(role: .server)
        var input = encoder.frame(.binary, ByteBuffer(repeating: 0, count: 60), isFinal: false)
        input.writeImmutableBuffer(encoder.frame(.continuation, ByteBuffer(repeating: 0, count: 60)))
        #expect(throws: WebSocketWireError.messageTooBig) {
            var assembler = MessageAssembler(role: .client, longestMessage: 100)
            var events: [MessageEvent] = []
            try assembler.feed(input, into: &events)
        }
    }

    @Test("refuses text that is not UTF-8")
    func notUTF8() {
        #expect(throws: WebSocketWireError.notUTF8) {
            var assembler = MessageAssembler(role: .client)
            var events: [MessageEvent] = []
            try assembler.feed(bytes(0x81, 0x02, 0xc3, 0x28), into: &events)
        }
    }
}

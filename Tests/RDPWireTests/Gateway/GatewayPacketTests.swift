import NIOCore
import RDPWire
import Testing
import Vocabulary

/// Packets as real clients and servers send them.
enum GatewayVectors {
    static let vectors: [(GatewayPacket, String)] = [
        (.handshakeRequest(.token), "01000000 0e000000 01 00 0000 0200"),
        (.handshakeResponse(.success, .token), "02000000 12000000 00000000 01 00 0000 0200"),
        (
            .tunnelCreate(.init(rawValue: 0xD), token: "tok-abc", context: nil),
            "04000000 22000000 0d000000 0100 0000 1000 74006f006b002d0061006200630000 00"
        ),
        (
            .tunnelResponse(.success, GatewayTunnelFields(tunnel: 1, capabilities: .init(rawValue: 0x3F))),
            "05000000 1a000000 0000 00000000 0300 0000 01000000 3f000000"
        ),
        (.tunnelAuthorization(machine: "vm", health: nil), "06000000 12000000 0000 0600 76006d000000"),
        (
            .tunnelAuthorizationResponse(.success, redirection: [], idleMinutes: 0, health: nil),
            "07000000 18000000 00000000 0300 0000 00000000 00000000"
        ),
        (
            .channelCreate(names: ["127.0.0.1"], alternatives: [], port: 33890),
            "08000000 24000000 01 00 6284 0300 1400 3100320037002e0030002e0030002e0031000000"
        ),
        (
            .channelResponse(.success, channel: 1, datagramPort: nil, datagramCookie: nil),
            "09000000 14000000 00000000 0100 0000 01000000"
        ),
    ]

    static let others: [GatewayPacket] = [
        .extendedAuthentication(.success, [1, 2, 3]),
        .tunnelCreate(.reauthentication, token: "t", context: 7),
        .tunnelCreate([], token: nil, context: nil),
        .tunnelResponse(
            .tokenRefused,
            GatewayTunnelFields(quarantine: .init(nonce: Array(0..<20), certificate: "c"), consent: "Grüße 🚪")
        ),
        .tunnelAuthorization(machine: "vm", health: [9]),
        .tunnelAuthorizationResponse(.personDenied, redirection: nil, idleMinutes: 5, health: [1]),
        .channelCreate(names: ["a", "b"], alternatives: ["c"], port: 1),
        .channelResponse(.targetDenied, channel: nil, datagramPort: 3391, datagramCookie: [4]),
        .serviceMessage("hello"), .reauthenticate(context: 0x0102_0304_0506_0708), .keepAlive,
        .closeChannel(.timedOut), .closeChannelResponse(.success),
    ]
}

/// The packets as bytes: what clients of this protocol send and take.
struct GatewayPacketTests {
    @Test("writes and reads the packets of a real connection", arguments: GatewayVectors.vectors)
    func vectors(packet: GatewayPacket, hex: String) throws {
        let bytes = try #require(Hex.decode(hex.filter { $0 != " " }))
        #expect(Array(packet.bytes.readableBytesView) == bytes)
        var decoder = GatewayDecoder()
        decoder.feed(ByteBuffer(bytes: bytes))
        #expect(try decoder.next() == .packet(packet))
        #expect(try decoder.next() == nil)
    }

    @Test("reads back every other packet it writes", arguments: GatewayVectors.others)
    func roundTrip(packet: GatewayPacket) throws {
        var decoder = GatewayDecoder()
        decoder.feed(packet.bytes)
        #expect(try decoder.next() == .packet(packet))
    }

    @Test("reads packets however the stream is split", arguments: [1, 2, 7, 9, 1000])
    func pieces(size: Int) throws {
        var stream = ByteBuffer()
        var expected: [GatewayDecoder.Event] = []
        for (packet, _) in GatewayVectors.vectors {
            stream.writeImmutableBuffer(packet.bytes)
            GatewayPacket.writeDataHead(of: 5, to: &stream)
            stream.writeString("bytes")
            expected += [.packet(packet), .data(ByteBuffer(string: "bytes"))]
        }
        var decoder = GatewayDecoder()
        var events: [GatewayDecoder.Event] = []
        while let piece = stream.readSlice(length: min(size, stream.readableBytes)), piece.readableBytes > 0 {
            decoder.feed(piece)
            while let event = try decoder.next() { Self.append(event, to: &events) }
        }
        #expect(events == expected)
    }

    /// Adds an event, and what is more of the same packet's data to what there is.
    private static func append(_ event: GatewayDecoder.Event, to events: inout [GatewayDecoder.Event]) {
        guard case .data(let more) = event, case .data(var data)? = events.last else {
            events.append(event)
            return
        }
        data.writeImmutableBuffer(more)
        events[events.count - 1] = .data(data)
    }

    @Test("hands on the desktop's bytes before their packet is whole")
    func unfinishedData() throws {
        var decoder = GatewayDecoder()
        var begun = ByteBuffer()
        GatewayPacket.writeDataHead(of: 60_000, to: &begun)
        begun.writeString("first")
        decoder.feed(begun)
        #expect(try decoder.next() == .data(ByteBuffer(string: "first")))
        #expect(try decoder.next() == nil)
        decoder.feed(ByteBuffer(string: "second"))
        #expect(try decoder.next() == .data(ByteBuffer(string: "second")))
        #expect(try decoder.next() == nil)
    }

    @Test("passes over what stands behind the desktop's bytes in their packet, and says that an empty one came")
    func trailingData() throws {
        let packets = "0a000000 0e000000 0200 6869 ffff" + "0a000000 0b000000 0000 ff" + "0d000000 08000000"
        var stream = ByteBuffer(bytes: try #require(Hex.decode(packets.filter { $0 != " " })))
        var decoder = GatewayDecoder()
        var events: [GatewayDecoder.Event] = []
        while let byte = stream.readSlice(length: 1) {
            decoder.feed(byte)
            while let event = try decoder.next() { events.append(event) }
        }
        let expected = ["h", "i", ""].map { GatewayDecoder.Event.data(ByteBuffer(string: $0)) }
        #expect(events == expected + [.packet(.keepAlive)])
    }

    @Test("lets go of what it was fed once everything in it was taken")
    func release() throws {
        var fed = ByteBuffer()
        GatewayPacket.writeDataHead(of: 5, to: &fed)
        fed.writeString("bytes")
        var decoder = GatewayDecoder()
        decoder.feed(fed)
        while try decoder.next() != nil {}
        // Written where it is only when nobody else has it.
        let place = fed.withVeryUnsafeBytes { $0.baseAddress }
        fed.setInteger(UInt8(0), at: 0)
        #expect(fed.withVeryUnsafeBytes { $0.baseAddress } == place)
    }

    @Test("passes over what later versions add behind the known fields")
    func trailing() throws {
        var decoder = GatewayDecoder()
        decoder.feed(ByteBuffer(bytes: [0x0d, 0, 0, 0, 10, 0, 0, 0, 1, 2]))
        #expect(try decoder.next() == .packet(.keepAlive))
    }

    @Test(
        "refuses packets that are too short, too long or of no type",
        arguments: [
            "01000000 07000000", "01000000 0a000000 0100", "04000000 ffffff00", "0a000000 0a000000 ff00",
            "07770000 08000000", "0b000000 0d000000 0300 610000", "0b000000 0e000000 0400 00d8 0000",
            "0b000000 10000000 0600 0000 6100 0000", "08000000 0e000000 ff ff 0000 0300",
        ]
    )
    func broken(hex: String) throws {
        var decoder = GatewayDecoder()
        decoder.feed(ByteBuffer(bytes: try #require(Hex.decode(hex.filter { $0 != " " }))))
        #expect(throws: RDPWireError.self) { try decoder.next() }
    }
}

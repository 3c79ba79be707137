import RDPWire
import TestKit
import Testing

@Suite("Connection requests and confirms")
struct NegotiationTests {
    @Test("a request with a cookie is read")
    func cookie() throws {
        let request = try ConnectionRequest(parsing: DesktopSamples.requestWithCookie)
        #expect(request.protocols == [.tls, .credSSP])
        #expect(request.cookie == Array("Cookie: mstshash=alice".utf8))
        #expect(request.bytes == DesktopSamples.requestWithCookie)
    }

    @Test("a request without cookie, and one without negotiation, are read")
    func plain() throws {
        #expect(try ConnectionRequest(parsing: DesktopSamples.request(0x10)).protocols == .webAccount)
        #expect(try ConnectionRequest(parsing: [3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 0, 0]).protocols == nil)
    }

    @Test("a cookie that begins like a negotiation is one")
    func oddCookie() throws {
        let message: [UInt8] = [3, 0, 0, 14, 9, 0xe0, 0, 0, 0, 0, 0, 1, 0x0d, 0x0a]
        #expect(try ConnectionRequest(parsing: message).cookie == [1])
    }

    @Test("our own request is what hosts expect")
    func own() {
        #expect(
            ConnectionRequest(protocols: [.tls, .credSSP]).bytes == [
                3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0,
            ]
        )
    }

    @Test(
        "refuses what is no request",
        arguments: [
            [], [3, 0, 0, 7, 2, 0xf0, 0x80], [3, 0, 0, 12, 6, 0xe0, 0, 0, 0, 0, 0],
            [3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 9, 0, 8, 0, 1, 0, 0, 0],
            [3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 7, 0, 1, 0, 0, 0],
            [3, 0, 0, 17, 12, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 1, 0],
        ] as [[UInt8]]
    )
    func noRequest(_ message: [UInt8]) {
        #expect(throws: RDPWireError.self) { try ConnectionRequest(parsing: message) }
    }

    @Test("confirms are read and written")
    func confirms() throws {
        for confirm in [
            ConnectionConfirm.selected(.credSSP, flags: 3), .selected(.webAccount, flags: 1), .failed(7),
        ] {
            #expect(try ConnectionConfirm(parsing: confirm.bytes) == confirm)
        }
        #expect(
            try ConnectionConfirm(parsing: [3, 0, 0, 11, 6, 0xd0, 0, 0, 0, 0, 0]) == .selected([], flags: 0)
        )
        #expect(throws: RDPWireError.self) { try ConnectionConfirm(parsing: DesktopSamples.request(1)) }
    }

    @Test("envelopes say how long they are")
    func envelopes() throws {
        #expect(try TPKT.length(of: [3, 0, 0]) == nil)
        #expect(try TPKT.length(of: [3, 0, 0x01, 0x02]) == 258)
        #expect(throws: RDPWireError.self) { try TPKT.length(of: [3, 0, 0, 6]) }
        #expect(throws: RDPWireError.self) { try TPKT.length(of: [3, 0, 0xff, 0xff], limit: 1024) }
        #expect(throws: RDPWireError.self) { try TPKT.length(of: Array("GET / HTTP/1.1".utf8)) }
    }
}

import Testing

@testable import Client

@Suite("Transport")
struct TransportTests {
    @Test(
        "reads addresses of servers",
        arguments: [
            ("https://sally.example", "sally.example", 443, "sally.example"),
            ("https://sally.example:8443/", "sally.example", 8443, "sally.example:8443"),
            ("HTTP://127.0.0.1:8080", "127.0.0.1", 8080, "127.0.0.1:8080"),
            ("https://[::1]:8443", "::1", 8443, "[::1]:8443"), ("https://[::1]", "::1", 443, "[::1]"),
        ]
    )
    func address(_ text: String, _ host: String, _ port: Int, _ authority: String) throws {
        let address = try ServerAddress(text)
        #expect(address.host == host && address.port == port && address.authority == authority)
    }

    @Test(
        "refuses what is no address",
        arguments: [
            "", "sally.example", "ftp://x", "https://", "https://a:0", "https://a:99999", "https://a/b", "https://a b",
            "https://a\r\nX: y",
        ]
    )
    func badAddress(_ text: String) {
        #expect(throws: TransportError.self) { try ServerAddress(text) }
    }

    @Test("finds names in a hosts file, without comments")
    func hosts() {
        let text = "127.0.0.1 localhost\n10.0.0.1 a.example A2 # b.example\n# 10.0.0.2 b.example\n::1 a2\n"
        #expect(OwnResolver.hosts(text, "a2") == ["10.0.0.1", "::1"])
        #expect(OwnResolver.hosts(text, "b.example").isEmpty)
    }

    @Test("tries search domains last for a full name and first for a short one")
    func search() {
        let configuration = ResolverConfiguration("nameserver 10.0.0.53\nsearch corp.example example\n")
        #expect(configuration.servers == ["10.0.0.53"])
        #expect(configuration.candidates(for: "a.b") == ["a.b", "a.b.corp.example", "a.b.example"])
        #expect(configuration.candidates(for: "a") == ["a.corp.example", "a.example", "a"])
        #expect(configuration.candidates(for: "a.") == ["a"])
    }

    @Test("reads addresses from a name server's answer, behind an alias")
    func answer() throws {
        let question = try #require(DNSQuestion(id: 0x1234, name: "a.bc", kind: .address))
        var packet: [UInt8] = [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0x61, 2, 0x62, 0x63, 0, 0, 1, 0, 1]
        #expect(Array(question.bytes[12...]) == Array(packet[12...]))
        packet += [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 14]
        packet += [0xc0, 14, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 7]
        #expect(question.addresses(inAnswer: packet) == [[10, 0, 0, 7]])
        for count in 0..<packet.count {
            _ = question.addresses(inAnswer: Array(packet.prefix(count)))
        }
        packet[1] = 0x35
        #expect(question.addresses(inAnswer: packet) == nil)
    }

    @Test("asks nothing that DNS cannot carry")
    func badName() {
        #expect(DNSQuestion(id: 1, name: "a..b", kind: .address) == nil)
        #expect(DNSQuestion(id: 1, name: String(repeating: "a", count: 64), kind: .address) == nil)
    }
}

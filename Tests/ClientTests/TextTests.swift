import Client
import Testing
import Vocabulary

@Suite("WebAddress")
struct WebAddressTests {
    @Test(
        "takes an address apart",
        arguments: [
            ("https://host", "host", 443, "/", "host"), ("https://host:8443", "host", 8443, "/", "host:8443"),
            ("HTTPS://Host.Example:443/a/b?c=d", "Host.Example", 443, "/a/b?c=d", "Host.Example"),
            ("wss://127.0.0.1:1/x", "127.0.0.1", 1, "/x", "127.0.0.1:1"),
            ("https://[::1]:65535/", "::1", 65535, "/", "[::1]:65535"),
            ("https://[2001:db8::1]", "2001:db8::1", 443, "/", "[2001:db8::1]"),
            ("https://host?x=1", "host", 443, "/?x=1", "host"),
            ("https://my_host-1.example/%2e", "my_host-1.example", 443, "/%2e", "my_host-1.example"),
        ]
    )
    func parts(text: String, host: String, port: Int, target: String, authority: String) throws {
        let address = try WebAddress(text)
        #expect(address.host == host && address.port == port && address.target == target)
        #expect(address.authority == authority)
    }

    @Test(
        "refuses everything else",
        arguments: [
            "", "host", "http://host", "https:/host", "https://", "https:///path", "https://:443", "https://user@host",
            "https://host:0", "https://host:65536", "https://host:+443", "https://host:-1", "https://host:4x",
            "https://host:000000443", "https://host:",
            "https://ho st", "https://host/a b", "https://host\r\nX: y/", "https://host/\r\nX: y", "https://host\u{0}",
            "https://host#x",
            "https://host/#x", "https://host\\@evil", "https://evil\u{2044}host", "https://hést", "https://ｈost",
            "https://host/é",
            "https://[::1", "https://[::1]x", "https://[]", "https://[host]", "https://[::1%25eth0]", "https://a:b:c",
            "https://$(id)", "https://`id`",
            "https://-h'", "https://h;x", "https:// host", " https://host", "ws://host", "file:///etc/passwd",
            "https://host:٤٤٣",
        ]
    )
    func refused(text: String) {
        #expect(throws: Problem.self) { try WebAddress(text) }
    }

    @Test("a refused address is shown without what would act on the terminal")
    func shown() {
        #expect(throws: Problem("InvalidAddress", shown: "")) { try WebAddress("\u{1b}[2J") }
        do {
            _ = try WebAddress("\u{1b}[2J")
        } catch {
            #expect(!error.shown.contains("\u{1b}"))
        }
    }
}

@Suite("TokenClient")
struct TokenClaimsTests {
    @Test("reads the claims of a token, with or without a signature")
    func claims() {
        let body = Base64URL.encode(#"{"tid":"x","n":1}"#.utf8)
        #expect(TokenClient.claims("e30.\(body).c2ln") == ["tid": "x", "n": 1])
        #expect(TokenClient.claims("e30.\(body).") == ["tid": "x", "n": 1])
    }

    @Test(
        "anything else has no claims",
        arguments: ["", ".", "..", "a.b", "e30.e30.x.y", "e30.!!.x", "e30.eA.x", "opaque-token"]
    )
    func none(token: String) {
        #expect(TokenClient.claims(token) == nil)
    }
}

@Suite("Machine and Bastion")
struct MachineTests {
    private static let path =
        "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/Demo/providers/Microsoft.Network/bastionHosts/b"

    @Test(
        "a bastion host's name is a host with or without a port",
        arguments: ["bastion.example", "localhost:8443", "127.0.0.1", "[::1]:8443"]
    )
    func dnsName(name: String) {
        #expect(Bastion(["id": .string(Self.path), "properties": ["dnsName": .string(name)]])?.dnsName == name)
    }

    @Test(
        "a bastion host's name cannot lead elsewhere or end a line (X63)",
        arguments: ["", "a/b", "a/", "a?b", "user@host", "a\nb", "a b", "$(id)", "a';id;'", "a:99999", "a#b", "a\u{0}"]
    )
    func hostileName(name: String) {
        #expect(Bastion(["id": .string(Self.path), "properties": ["dnsName": .string(name)]]) == nil)
    }

    @Test("a path is escaped for a URL")
    func escaped() throws {
        let path = try #require(ResourcePath("/a b/(c)'d"))
        #expect(MachineFinder.escaped(path) == "/a%20b/%28c%29%27d")
        #expect(MachineFinder.escaped(.root) == "/")
    }
}

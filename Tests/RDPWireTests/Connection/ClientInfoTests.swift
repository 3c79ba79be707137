import RDPWire
import TestKit
import Testing
import Vocabulary

@Suite("Client Info")
struct ClientInfoTests {
    private let credentials = DesktopCredentials(user: "alice", domain: "desk", password: Secret("one-time"))

    @Test("another account takes the place of the client's, and the rest stays")
    func rewritten() throws {
        let message = DesktopSamples.clientInfo(domain: "X", user: "somebody", shell: "shell")
        let rewritten = try ClientInfo(parsing: message).bytes(signingInAs: self.credentials)
        var wanted = DesktopSamples.clientInfo(domain: "desk", user: "alice", password: "one-time", shell: "shell")
        let flags = try #require(wanted.indices.first { wanted[$0...].starts(with: [0xf3, 0x47, 0x0b]) })
        wanted[flags] |= 0x08
        #expect(rewritten == wanted)
        #expect(try TPKT.length(of: rewritten) == rewritten.count)
    }

    @Test("what is read back is the account that was put in")
    func readBack() throws {
        let rewritten = try ClientInfo(parsing: DesktopSamples.clientInfo()).bytes(signingInAs: self.credentials)
        let info = try ClientInfo(parsing: rewritten)
        #expect(info.user == "alice")
        #expect(info.domain == "desk")
    }

    @Test("a short message gets a short length, and a long one a long length")
    func lengths() throws {
        for extra in [0, 1, 40, 3000] {
            let message = DesktopSamples.clientInfo(user: "", password: "", extra: Array(repeating: 1, count: extra))
            let empty = DesktopCredentials(user: "", password: Secret(""))
            let rewritten = try ClientInfo(parsing: message).bytes(signingInAs: empty)
            #expect(rewritten.count == message.count)
        }
    }

    @Test("a client that does not speak Unicode is translated")
    func singleBytes() throws {
        let info = try ClientInfo(parsing: DesktopSamples.clientInfo(user: "bob", shell: "sh", isUnicode: false))
        #expect(info.user == "bob")
        let again = try ClientInfo(parsing: info.bytes(signingInAs: self.credentials))
        #expect(again.user == "alice")
    }

    @Test("what is kept for a recording has no password, neither the client's nor ours")
    func recording() throws {
        let info = try ClientInfo(parsing: DesktopSamples.clientInfo())
        let bytes = try info.bytes(mentioning: self.credentials)
        for password in ["typed-by-somebody", "one-time"] {
            let needle = DesktopSamples.utf16(password)
            #expect(!bytes.indices.contains { bytes[$0...].starts(with: needle) })
        }
    }

    @Test("refuses data that is no sign-in, and fields that are too long or half")
    func refused() {
        var other = DesktopSamples.clientInfo()
        other[15] = 0
        #expect(throws: RDPWireError.unexpected("data before the sign-in")) { try ClientInfo(parsing: other) }
        #expect(throws: RDPWireError.self) {
            try ClientInfo(parsing: DesktopSamples.clientInfo(user: String(repeating: "a", count: 600)))
        }
        var half = DesktopSamples.clientInfo()
        half[29] += 1
        #expect(throws: RDPWireError.self) { try ClientInfo(parsing: half) }
    }
}

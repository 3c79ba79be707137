import RDPWire
import TestKit
import Testing
import Vocabulary

@Suite("Client Info")
struct ClientInfoTests {
    private let credentials = DesktopCredentials(user: "alice", domain: "desk", password: Secret("one-time"))

    private static func read(_ message: [UInt8]) throws(RDPWireError) -> ClientInfo {
        try ClientInfo(parsing: message, channel: 1003)
    }

    @Test("another account takes the place of the client's, and the rest stays")
    func rewritten() throws {
        let message = DesktopSamples.clientInfo(domain: "X", user: "somebody", shell: "shell")
        let rewritten = try Self.read(message).bytes(signingInAs: self.credentials)
        var wanted = DesktopSamples.clientInfo(domain: "desk", user: "alice", password: "one-time", shell: "shell")
        let flags = try #require(wanted.indices.first { wanted[$0...].starts(with: [0xf3, 0x47, 0x0b]) })
        wanted[flags] |= 0x08
        #expect(rewritten == wanted)
        #expect(try TPKT.length(of: rewritten) == rewritten.count)
    }

    @Test("what is read back is the account that was put in")
    func readBack() throws {
        let rewritten = try Self.read(DesktopSamples.clientInfo()).bytes(signingInAs: self.credentials)
        let info = try Self.read(rewritten)
        #expect(info.user == "alice")
        #expect(info.domain == "desk")
    }

    @Test("a short message gets a short length, and a long one a long length")
    func lengths() throws {
        for extra in [[], DesktopSamples.extendedInfo(), DesktopSamples.extendedInfo(directory: 500)] as [[UInt8]] {
            let message = DesktopSamples.clientInfo(user: "", password: "", extra: extra)
            let empty = DesktopCredentials(user: "", password: Secret(""))
            let rewritten = try Self.read(message).bytes(signingInAs: empty)
            #expect(rewritten.count == message.count)
        }
    }

    @Test("a client that does not speak Unicode is translated")
    func singleBytes() throws {
        let info = try Self.read(DesktopSamples.clientInfo(user: "bob", shell: "sh", isUnicode: false))
        #expect(info.user == "bob")
        let again = try Self.read(info.bytes(signingInAs: self.credentials))
        #expect(again.user == "alice")
    }

    @Test("what is kept for a recording has no password, neither the client's nor ours")
    func recording() throws {
        let info = try Self.read(DesktopSamples.clientInfo())
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
        #expect(throws: RDPWireError.unexpected("data before the sign-in")) { try Self.read(other) }
        #expect(throws: RDPWireError.self) {
            try Self.read(DesktopSamples.clientInfo(user: String(repeating: "a", count: 600)))
        }
        var half = DesktopSamples.clientInfo()
        half[29] += 1
        #expect(throws: RDPWireError.self) { try Self.read(half) }
    }

    @Test("on another channel than the host's own it is none")
    func otherChannel() {
        #expect(throws: RDPWireError.unexpected("a sign-in on another channel")) {
            try Self.read(DesktopSamples.clientInfo(channel: 1004))
        }
    }

    @Test("is no message of another kind at the same time", arguments: [0x00, 0x41, 0x48, 0xc0, 0x2040, 0x4000])
    func otherKinds(_ flags: Int) {
        #expect(throws: RDPWireError.unexpected("data before the sign-in")) {
            try Self.read(DesktopSamples.clientInfo(flags: flags))
        }
    }

    @Test("a cookie of an earlier session does not reach the host, which would ask for no password then")
    func cookie() throws {
        let cookie: [UInt8] = [28, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0] + Array(repeating: 0xab, count: 16)
        let message = DesktopSamples.clientInfo(extra: DesktopSamples.extendedInfo(cookie: cookie))
        let without = try Self.read(DesktopSamples.clientInfo()).bytes(signingInAs: self.credentials)
        #expect(try Self.read(message).bytes(signingInAs: self.credentials) == without)
    }

    @Test("an older client's extended information may end after any member, and nowhere else")
    func shorter() throws {
        let whole = DesktopSamples.extendedInfo()
        let address = 4 + Int(whole[2])
        let ends = [0, 14, 186, 190, 194].map { $0 == 0 ? 0 : address + $0 - 4 }
        for end in 0..<address + 192 {
            let message = DesktopSamples.clientInfo(extra: Array(whole.prefix(end)))
            let isRead = (try? Self.read(message)) != nil
            #expect(isRead == ends.contains(end), "\(end)")
        }
    }
}

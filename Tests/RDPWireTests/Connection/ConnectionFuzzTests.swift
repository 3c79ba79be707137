import RDPWire
import TestKit
import Testing
import Vocabulary

@Suite("Spoiled messages of a connection")
struct ConnectionFuzzTests {
    // Ten million take some minutes in a release build: SALLYPORT_FUZZ_ROUNDS=10000000.
    static let rounds = Spoiler.rounds(usually: 6000)

    @Test("are read or refused, never more")
    func spoiled() {
        let messages =
            [
                DesktopSamples.requestWithCookie, DesktopSamples.request(0x10), DesktopSamples.confirm(2),
                DesktopSamples.connectInitial(), DesktopSamples.connectResponse(coreLength: 16),
                DesktopSamples.clientInfo(), DesktopSamples.clientInfo(isUnicode: false),
                Array(#"{"rdp_assertion":"e30.e30.AA"}"#.utf8) + [0],
            ] + DesktopSamples.joining
        let spoiler = Spoiler(seed: 42)
        let credentials = DesktopCredentials(user: "u", password: Secret("p"))
        var read = 0
        for _ in 0..<Self.rounds {
            let bytes = spoiler.spoil(spoiler.one(of: messages))
            read += (try? TPKT.length(of: bytes)) == nil ? 0 : 1
            if let request = try? ConnectionRequest(parsing: bytes) { read += request.bytes.isEmpty ? 0 : 1 }
            if let confirm = try? ConnectionConfirm(parsing: bytes) { read += confirm.bytes.isEmpty ? 0 : 1 }
            if var settings = try? ConnectInitial(parsing: bytes) {
                settings.selected = .tls
                settings.hide(["cliprdr", "rdpdr", ""])
                settings.refuseRedirection()
                settings.refuseMultitransport()
                #expect(settings.bytes.count == bytes.count)
                read += settings.channels.count
            }
            if var settings = try? ConnectResponse(parsing: bytes) {
                settings.requested = .webAccount
                #expect(settings.bytes.count == bytes.count)
            }
            if let info = try? ClientInfo(parsing: bytes, channel: 1003) {
                read += (try? info.bytes(signingInAs: credentials)) == nil ? 0 : 1
            }
            read += (try? DomainMessage(parsing: bytes)) == nil ? 0 : 1
            try? EarlyData.check(bytes, channel: 1003)
            _ = EarlyData.isLast(bytes, channel: 1003)
            read += (try? RDSAADMessage.length(of: bytes)) == nil ? 0 : 1
            read += (try? RDSAADMessage.assertion(parsing: bytes)) == nil ? 0 : 1
            var boundary = MessageBoundary()
            bytes.withUnsafeBytes { boundary.follow($0) }
        }
        #expect(read > 0)
    }
}

import RemoteDesktop
import Synchronization
import Testing
import Vocabulary

@Suite("Strangers at the gateway")
struct GatewayMeetingTests {
    @Test("one address has so many places, and gets one back when a stranger leaves")
    func places() {
        let meeting = GatewayMeeting(limits: GatewayLimits(strangersPerAddress: 1))
        let leave = meeting.enter(from: "192.0.2.7")
        #expect(leave != nil && meeting.enter(from: "192.0.2.7") == nil)
        #expect(meeting.enter(from: "192.0.2.8") != nil)
        leave?()
        #expect(meeting.enter(from: "192.0.2.7") != nil)
    }

    @Test("all addresses of one IPv6 link share their places", arguments: ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2"])
    func link(_ address: String) {
        let meeting = GatewayMeeting(limits: GatewayLimits(strangersPerAddress: 1))
        #expect(meeting.enter(from: "2001:db8:0:1::7") != nil)
        #expect(meeting.enter(from: address) == nil)
        #expect(meeting.enter(from: "2001:db8:0:2::7") != nil)
    }

    @Test("IPv4 addresses that come as IPv6 are told apart")
    func mapped() {
        let meeting = GatewayMeeting(limits: GatewayLimits(strangersPerAddress: 1))
        #expect(meeting.enter(from: "::ffff:192.0.2.7") != nil)
        #expect(meeting.enter(from: "::ffff:192.0.2.8") != nil)
    }

    @Test("who shows token after token that nobody was given waits for the next minute, and nobody else does")
    func guesses() {
        let now = Mutex(Instant(seconds: 600))
        let meeting = GatewayMeeting(
            limits: GatewayLimits(guessesPerMinute: 2),
            clock: TimeSource { now.withLock { $0 } }
        )
        for _ in 0..<2 {
            meeting.enter(from: "192.0.2.7")?()
            meeting.noteGuess(from: "192.0.2.7")
        }
        #expect(meeting.enter(from: "192.0.2.7") == nil)
        #expect(meeting.enter(from: "192.0.2.8") != nil)
        now.withLock { $0 = Instant(seconds: 661) }
        #expect(meeting.enter(from: "192.0.2.7") != nil)
    }
}

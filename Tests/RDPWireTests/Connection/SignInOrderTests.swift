import RDPWire
import TestKit
import Testing

@Suite("The order of a client's sign-in")
struct SignInOrderTests {
    private func kinds(_ messages: [[UInt8]]) throws {
        var order = DomainOrder()
        for message in messages { try order.take(try DomainMessage(parsing: message)) }
    }

    @Test("is the domain, the user, channels, the sign-in; also without channels")
    func right() throws {
        try self.kinds(DesktopSamples.joining + [DesktopSamples.joining[2], DesktopSamples.clientInfo()])
        try self.kinds(DesktopSamples.joining.prefix(2) + [DesktopSamples.clientInfo()])
    }

    @Test(
        "nothing comes before its turn, and domain and user not twice",
        arguments: [[2], [1], [0, 0], [0, 2], [0, 1, 1], [0, 1, 0], [3], [0, 3]]
    )
    func wrong(_ steps: [Int]) {
        let messages = DesktopSamples.joining + [DesktopSamples.clientInfo()]
        #expect(throws: RDPWireError.unexpected("an MCS message out of its turn")) {
            try self.kinds(steps.map { messages[$0] })
        }
    }

    @Test("a message with more behind it, where a host would read on, is refused", arguments: [0, 1, 2])
    func longer(_ step: Int) {
        let message = Array(DesktopSamples.joining[step].dropFirst(7))
        #expect(throws: RDPWireError.self) {
            try DomainMessage(parsing: DesktopSamples.envelope(message + [0x64, 0, 6, 3, 0xeb, 0x70, 0]))
        }
    }

    @Test(
        "licences and measurements may follow the sign-in",
        arguments: [(0x80, 1003), (0x280, 1003), (0x2000, 1007), (0x04, 1007)]
    )
    func early(_ flags: Int, _ channel: Int) throws {
        try EarlyData.check(DesktopSamples.secured(flags, channel: channel), channel: 1003)
    }

    @Test(
        "another sign-in may not, on no channel and under no cover",
        arguments: [
            (0x40, 1003), (0x40, 1004), (0xc0, 1003), (0x41, 1003), (0x01, 1003), (0x2040, 1007), (0, 1003),
            (0x80, 1004),
        ]
    )
    func second(_ flags: Int, _ channel: Int) {
        #expect(throws: RDPWireError.unexpected("a message after the sign-in and before its answer")) {
            try EarlyData.check(DesktopSamples.secured(flags, channel: channel), channel: 1003)
        }
    }

    @Test("a host's Demand Active is the end of it, and nothing else of it is")
    func last() {
        #expect(EarlyData.isLast(DesktopSamples.demandActive, channel: 1003))
        #expect(!EarlyData.isLast(DesktopSamples.demandActive, channel: 1004))
        let license: [UInt8] = [0x68, 0, 1, 3, 0xeb, 0x70, 8, 0x80, 0, 0, 0, 0xff, 3, 4, 0]
        #expect(!EarlyData.isLast(DesktopSamples.envelope(license), channel: 1003))
        #expect(!EarlyData.isLast(DesktopSamples.joining[0], channel: 1003))
        #expect(!EarlyData.isLast(Array(DesktopSamples.demandActive.prefix(14)), channel: 1003))
    }
}

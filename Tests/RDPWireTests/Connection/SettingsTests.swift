import RDPWire
import TestKit
import Testing

@Suite("Settings of client and host")
struct SettingsTests {
    @Test("what the host selected is put where the client said what it thought")
    func selected() throws {
        let message = DesktopSamples.connectInitial(selected: 0x10)
        var settings = try ConnectInitial(parsing: message)
        #expect(settings.selected == .webAccount)
        settings.selected = .credSSP
        #expect(try ConnectInitial(parsing: settings.bytes).selected == .credSSP)
        #expect(zip(settings.bytes, message).filter { $0 != $1 }.count == 1)
        #expect(settings.bytes.count == message.count)
    }

    @Test("channels are renamed in place, in any letter case, also twice")
    func hidden() throws {
        let names = ["rdpdr", "CLIPRDR", "cliprdr", "drdynvc"]
        var settings = try ConnectInitial(parsing: DesktopSamples.connectInitial(channels: names))
        settings.hide(["cliprdr", "rdpsnd"])
        #expect(settings.channels == ["rdpdr", "none01", "none02", "drdynvc"])
        #expect(try ConnectInitial(parsing: settings.bytes).channels == settings.channels)
        #expect(settings.bytes.count == DesktopSamples.connectInitial(channels: names).count)
    }

    @Test(
        "a conference's length that is not its own is refused: hosts that pass over it would read other settings behind it",
        arguments: [[0x2a], [0x00], [0x80, 0x2a], [0xbf, 0xff]] as [[UInt8]]
    )
    func conferenceLength(_ length: [UInt8]) {
        let message = DesktopSamples.connectInitial(conferenceLength: length)
        #expect(throws: RDPWireError.self) { try ConnectInitial(parsing: message) }
    }

    @Test("a name counts up to its first NUL")
    func nameWithTail() throws {
        var settings = try ConnectInitial(parsing: DesktopSamples.connectInitial(channels: ["rdpdr\0xy"]))
        settings.hide(["rdpdr"])
        #expect(settings.channels == ["none00"])
    }

    @Test("a name of eight characters is that of its first seven, as it is for a host that puts a NUL behind them")
    func nameWithoutEnd() throws {
        var settings = try ConnectInitial(parsing: DesktopSamples.connectInitial(channels: ["cliprdrX", "CLIPRDR!"]))
        settings.hide(["cliprdr"])
        #expect(settings.channels == ["none00", "none01"])
    }

    @Test("a wish for a session by its number or for a card is taken back; one for the machine's own screen stays")
    func redirection() throws {
        func flags(_ cluster: [UInt8]) throws -> [UInt8] {
            var settings = try ConnectInitial(parsing: DesktopSamples.connectInitial(cluster: cluster))
            settings.refuseRedirection()
            let place = try #require(settings.bytes.firstRange(of: [0x04, 0xc0, 12, 0])?.upperBound)
            return Array(settings.bytes[place..<place + 8])
        }
        #expect(try flags([0x0f, 0, 0, 0, 5, 0, 0, 0]) == [0x0d, 0, 0, 0, 0, 0, 0, 0])
        #expect(try flags([0x4d, 0, 0, 0, 0, 0, 0, 0]) == [0x0d, 0, 0, 0, 0, 0, 0, 0])
        #expect(try flags([0x0f, 0, 0, 0, 0, 0, 0, 0]) == [0x0f, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test("the way around the gateway over UDP is taken back")
    func multitransport() throws {
        var settings = try ConnectInitial(parsing: DesktopSamples.connectInitial())
        settings.refuseMultitransport()
        #expect(settings.bytes.suffix(8) == [0x0a, 0xc0, 8, 0, 0, 0, 0, 0])
    }

    @Test("a client without the newer members is read too")
    func oldClient() throws {
        var settings = try ConnectInitial(parsing: DesktopSamples.connectInitial(coreLength: 140))
        #expect(settings.selected == nil)
        #expect(!settings.knowsErrorInfo)
        let before = settings
        settings.selected = .tls
        #expect(settings == before)
    }

    @Test("refuses two blocks of a kind, which host and front could read differently")
    func twice() {
        let second = DesktopSamples.block(0xc003, [0, 0, 0, 0])
        #expect(throws: RDPWireError.malformed("a block of settings twice")) {
            try ConnectInitial(parsing: DesktopSamples.connectInitial(extra: second))
        }
    }

    @Test("refuses more channels than the list or the protocol holds")
    func channelCount() {
        #expect(throws: RDPWireError.self) {
            try ConnectInitial(
                parsing: DesktopSamples.connectInitial(channels: Array(repeating: "a", count: 32))
            )
        }
        var message = DesktopSamples.connectInitial(channels: ["rdpdr"])
        if let place = message.indices.first(where: { message[$0...].starts(with: [0x03, 0xc0, 20, 0, 1]) }) {
            message[place + 4] = 2
        }
        #expect(throws: RDPWireError.self) { try ConnectInitial(parsing: message) }
    }

    @Test("refuses settings that end early", arguments: [8, 20, 60, 100, 300])
    func endsEarly(_ length: Int) {
        var message = Array(DesktopSamples.connectInitial().prefix(length))
        message[2] = UInt8(length >> 8)
        message[3] = UInt8(length & 255)
        #expect(throws: RDPWireError.self) { try ConnectInitial(parsing: message) }
    }

    @Test("what the client asked for is put where the host said what it had heard", arguments: [12, 16])
    func requested(_ length: Int) throws {
        var settings = try ConnectResponse(parsing: DesktopSamples.connectResponse(requested: 3, coreLength: length))
        #expect(settings.requested == [.tls, .credSSP])
        settings.requested = .webAccount
        #expect(try ConnectResponse(parsing: settings.bytes).requested == .webAccount)
    }

    @Test("a host without the newer member is left as it is")
    func oldHost() throws {
        #expect(try ConnectResponse(parsing: DesktopSamples.connectResponse(coreLength: 8)).requested == nil)
    }

    @Test("the host's own channel is read, and must be there")
    func channel() throws {
        #expect(try ConnectResponse(parsing: DesktopSamples.connectResponse()).channel == 1003)
        var without = DesktopSamples.connectResponse()
        let place = try #require(without.firstRange(of: [0x03, 0x0c])?.lowerBound)
        without[place] = 0x09
        #expect(throws: RDPWireError.malformed("an MCS Connect Response without a channel")) {
            try ConnectResponse(parsing: without)
        }
    }

    @Test("a host that says no is a refusal")
    func refused() {
        #expect(throws: RDPWireError.refused("The machine refused the connection.")) {
            try ConnectResponse(parsing: DesktopSamples.connectResponse(result: 14))
        }
    }
}

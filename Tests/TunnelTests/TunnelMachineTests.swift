import Testing

@testable import Tunnel

@Suite struct TunnelMachineTests {
    @Test("lets the target finish when the client ends, and reports when both are closed")
    func clientEnds() {
        var machine = TunnelMachine()
        #expect(machine.ended(.client, because: .clientClosed) == .finishTarget(.clientClosed))
        #expect(machine.ended(.client, because: .clientLost) == nil)
        #expect(machine.closed(.client) == [])
        #expect(machine.closed(.target) == [.report(.clientClosed)])
        #expect(machine.closed(.target) == [])
    }

    @Test("lets the client finish when the target ends")
    func targetEnds() {
        var machine = TunnelMachine()
        #expect(machine.ended(.target, because: .targetClosed) == .finishClient(.targetClosed))
        #expect(machine.closed(.target) == [])
        #expect(machine.lingered() == .closeBoth)
        #expect(machine.closed(.client) == [.report(.targetClosed)])
        #expect(machine.lingered() == nil)
    }

    @Test("takes a channel that closes without a word for lost")
    func lost() {
        var machine = TunnelMachine()
        #expect(machine.closed(.client) == [.finishTarget(.clientLost)])
        #expect(machine.closed(.target) == [.report(.clientLost)])
    }

    @Test("keeps the first reason")
    func firstReason() {
        var machine = TunnelMachine()
        #expect(machine.order(.idle) == .finishClient(.idle))
        #expect(machine.order(.tooOld) == nil)
        #expect(machine.closed(.client) == [])
        #expect(machine.closed(.target) == [.report(.idle)])
    }

    @Test("does not order an end after the end")
    func afterEnd() {
        var machine = TunnelMachine()
        #expect(
            machine.closed(.client) + machine.closed(.target) == [.finishTarget(.clientLost), .report(.clientLost)]
        )
        #expect(machine.order(.idle) == nil)
    }
}

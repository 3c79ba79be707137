import Edge
public import NIOCore
public import NIOHTTP1
import Synchronization
public import Vocabulary

/// Where the two connections of one client find each other, and where strangers are counted.
///
/// They belong together by the identifier that the client chose *and* the address they come from. The first way in gets the way out, for
/// good: whoever comes second is nobody. What the pair may do is decided by the token that comes in over it, as for a WebSocket.
public final class GatewayMeeting: Sendable {
    private struct Key: Hashable {
        let connection: String
        let address: String
    }

    private struct State {
        var waiting: [Key: GatewayOutlet] = [:]
        var strangers: [String: Int] = [:]
        var total = 0
        var guesses: [String: Int] = [:]
        var minute: Int64 = 0

        mutating func forgetGuesses(before minute: Int64) {
            guard self.minute != minute else { return }
            self.minute = minute
            self.guesses = [:]
        }
    }

    private let limits: GatewayLimits
    private let clock: TimeSource
    private let state = Mutex(State())

    /// Makes an empty place.
    public init(limits: GatewayLimits, clock: TimeSource = .system) {
        self.limits = limits
        self.clock = clock
    }

    /// The identifier of a client's connections, in lower case; nil when it has not the form of one.
    public static func connection(in headers: HTTPHeaders) -> String? {
        let values = headers["rdg-connection-id"]
        guard values.count == 1, let value = values.first, (1...64).contains(value.utf8.count) else { return nil }
        return value.lowercased()
    }

    /// Lets one more stranger in; nil when there are too many. The closure is called when it is no stranger any more, or gone.
    public func enter(from address: String) -> (@Sendable () -> Void)? {
        let limits = self.limits
        let address = Self.neighbourhood(of: address)
        let minute = self.clock.now.seconds / 60
        let isLetIn = self.state.withLock { state in
            state.forgetGuesses(before: minute)
            guard state.total < limits.strangers, state.strangers[address, default: 0] < limits.strangersPerAddress,
                state.guesses[address, default: 0] < limits.guessesPerMinute
            else { return false }
            state.total += 1
            state.strangers[address, default: 0] += 1
            return true
        }
        guard isLetIn else { return nil }
        let hasLeft = Once()
        return { [weak self] in
            guard hasLeft.isFirst() else { return }
            self?.state.withLock { state in
                state.total -= 1
                let left = state.strangers[address, default: 1] - 1
                state.strangers[address] = left == 0 ? nil : left
            }
        }
    }

    /// Takes note of a token that nobody was ever given. Each is written into the audit log, which strangers must not fill.
    public func noteGuess(from address: String) {
        let address = Self.neighbourhood(of: address)
        let minute = self.clock.now.seconds / 60
        self.state.withLock { state in
            state.forgetGuesses(before: minute)
            state.guesses[address, default: 0] += 1
        }
    }

    // Who has one IPv6 address has the other 2^64 of its link as well: its first four groups. An IPv4 address in its clothes ends in dots.
    private static func neighbourhood(of address: String) -> String {
        guard address.contains(":"), !address.contains(".") else { return address }
        let gap = address.firstRange(of: "::")
        var groups = address[..<(gap?.lowerBound ?? address.endIndex)].split(separator: ":")
        if let gap {
            let behind = address[gap.upperBound...].split(separator: ":")
            groups += Array(repeating: "0", count: max(0, 8 - groups.count - behind.count)) + behind
        }
        return groups.prefix(4).joined(separator: ":")
    }

    /// Makes a connection the way out: answers the request, sends the ten bytes that clients pass over, and waits for the way in.
    ///
    /// False when the client's identifier is taken. Source: MS-TSGU section 3.3.5.1.
    public func openOut(
        _ channel: any Channel,
        connection: String,
        from address: String,
        handler: GatewayHandler
    ) throws -> Bool {
        let key = Key(connection: connection, address: address)
        let outlet = GatewayOutlet(
            eventLoop: channel.eventLoop,
            handler: NIOLoopBound(handler, eventLoop: channel.eventLoop)
        )
        let isFirst = self.state.withLock { state in
            guard state.waiting[key] == nil else { return false }
            state.waiting[key] = outlet
            return true
        }
        guard isFirst else { return false }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.state.withLock { _ = $0.waiting.removeValue(forKey: key) }
        }
        try channel.pipeline.syncOperations.addHandler(handler)
        // Neither a length nor chunks: a chunked answer leaves FreeRDP 3 waiting for ever (measured).
        var answer = ByteBuffer(
            string: "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nCache-Control: no-store\r\n\r\n"
        )
        for _ in 0..<5 { answer.writeBytes([0xAB, 0xCD]) }
        handler.writeRaw(answer)
        return true
    }

    /// Takes the way out that waits for this client away from the table; nil when there is none.
    public func claim(connection: String, from address: String) -> GatewayClaim? {
        let key = Key(connection: connection, address: address)
        return self.state.withLock { $0.waiting.removeValue(forKey: key) }.map {
            GatewayClaim(outlet: $0, connection: connection)
        }
    }
}

/// A way out that has found its way in.
public struct GatewayClaim: Sendable {
    let outlet: GatewayOutlet
    let connection: String

    /// Makes a connection the way in: answers the first request; the second one carries the packets.
    public func openIn(_ channel: any Channel, limits: GatewayLimits) throws {
        guard channel.isActive else { return self.outlet.ended() }
        let handler = GatewayInletHandler(connection: self.connection, out: self.outlet, deadline: limits.handshake)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(GatewayMethodHandler())
        try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
        try pipeline.addHandler(handler)
        self.outlet.attach(GatewayInlet(channel, handler))
        channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), promise: nil)
    }
}

/// Says yes once.
private final class Once: Sendable {
    private let isDone = Atomic(false)

    func isFirst() -> Bool { !self.isDone.exchange(true, ordering: .relaxed) }
}

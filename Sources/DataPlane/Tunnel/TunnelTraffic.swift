import Synchronization

/// How much a tunnel has carried, in bytes of the target's protocol.
public struct TunnelTraffic: Hashable, Sendable {
    /// From the client to the target.
    public var fromClient: UInt64
    /// From the target to the client.
    public var toClient: UInt64

    /// Makes a reading.
    public init(fromClient: UInt64, toClient: UInt64) {
        self.fromClient = fromClient
        self.toClient = toClient
    }
}

/// How a tunnel ended, and what it had carried.
public struct TunnelSummary: Hashable, Sendable {
    /// Why it ended.
    public var end: TunnelEnd
    /// What it had carried.
    public var traffic: TunnelTraffic
}

/// Counters that one event loop writes and any thread reads.
final class TrafficMeter: Sendable {
    private let fromClient = Atomic<UInt64>(0)
    private let toClient = Atomic<UInt64>(0)

    func count(_ bytes: Int, from side: TunnelSide) {
        switch side {
        case .client: self.fromClient.wrappingAdd(UInt64(bytes), ordering: .relaxed)
        case .target: self.toClient.wrappingAdd(UInt64(bytes), ordering: .relaxed)
        }
    }

    var reading: TunnelTraffic {
        TunnelTraffic(
            fromClient: self.fromClient.load(ordering: .relaxed),
            toClient: self.toClient.load(ordering: .relaxed)
        )
    }
}

/// The two ends of a tunnel.
enum TunnelSide: Hashable, Sendable {
    case client
    case target
}

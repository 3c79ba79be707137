import NIOCore
import Synchronization

/// Counts connections, and handshakes by address, against their bounds.
final class ConnectionLedger: Sendable {
    /// Where a connection comes from: an IPv4 address, or the 64 bits of an IPv6 one that belong to one customer.
    enum Origin: Hashable, Sendable {
        case v4(UInt32)
        case v6(UInt64)
        case unknown

        init(_ address: SocketAddress?) {
            switch address {
            case .v4(let address):
                // sockaddr_in: family, port, address.
                self = withUnsafeBytes(of: address.address) {
                    .v4($0.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                }
            case .v6(let address):
                // sockaddr_in6: family, port, flow, address.
                self = withUnsafeBytes(of: address.address) { bytes in
                    let high = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                    let low = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self).bigEndian
                    // An IPv4 client of a socket that takes both families.
                    if high == 0, low >> 32 == 0xffff {
                        return .v4(UInt32(truncatingIfNeeded: low).bigEndian)
                    }
                    return .v6(high)
                }
            case .unixDomainSocket, nil:
                self = .unknown
            }
        }
    }

    private struct Counts {
        var connections = 0
        var handshakes: [Origin: Int] = [:]
    }

    private let mostConnections: Int
    private let mostHandshakes: Int
    private let counts = Mutex(Counts())

    init(connections: Int, handshakesPerAddress: Int) {
        self.mostConnections = connections
        self.mostHandshakes = handshakesPerAddress
    }

    /// Counts a new connection; false, and nothing counted, when it is one too many.
    func admit(_ origin: Origin) -> Bool {
        self.counts.withLock { counts in
            let handshakes = counts.handshakes[origin, default: 0]
            guard counts.connections < self.mostConnections, handshakes < self.mostHandshakes else { return false }
            counts.connections += 1
            counts.handshakes[origin] = handshakes + 1
            return true
        }
    }

    /// The handshake of an admitted connection is over, in whatever way.
    func handshakeEnded(_ origin: Origin) {
        self.counts.withLock { counts in
            let handshakes = counts.handshakes[origin, default: 0] - 1
            counts.handshakes[origin] = handshakes > 0 ? handshakes : nil
        }
    }

    /// An admitted connection is closed.
    func connectionEnded() {
        self.counts.withLock { $0.connections -= 1 }
    }

    /// Connections open now.
    var connections: Int {
        self.counts.withLock { $0.connections }
    }

    /// Addresses with a handshake under way.
    var addressesInHandshake: Int {
        self.counts.withLock { $0.handshakes.count }
    }
}

import NIOCore
import Synchronization

/// Counts connections and handshakes, altogether and by address, against their bounds.
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
        /// Connections of nobody in particular; those that an acceptor has taken over count in `connections` alone.
        var unproven: [Origin: Int] = [:]
        var handshakes: [Origin: Int] = [:]
    }

    /// The place of one admitted connection.
    final class Seat: Sendable {
        private enum Standing {
            case unproven
            case proven
            case left
        }

        private let ledger: ConnectionLedger
        private let origin: Origin
        private let standing = Mutex(Standing.unproven)

        fileprivate init(_ origin: Origin, in ledger: ConnectionLedger) {
            self.ledger = ledger
            self.origin = origin
        }

        /// The handshake is over, in whatever way; to be said once.
        func handshakeEnded() {
            self.ledger.counts.withLock { $0.handshakes.subtractOne(self.origin) }
        }

        /// An acceptor has taken the connection over, so it has looked at its ticket: no longer counted against its address, because a whole
        /// office may work from behind one.
        func prove() {
            let isFirst = self.standing.withLock { standing in
                guard case .unproven = standing else { return false }
                standing = .proven
                return true
            }
            if isFirst { self.ledger.counts.withLock { $0.unproven.subtractOne(self.origin) } }
        }

        /// The connection is closed.
        func leave() {
            let before = self.standing.withLock { standing in
                defer { standing = .left }
                return standing
            }
            self.ledger.counts.withLock { counts in
                switch before {
                case .unproven:
                    counts.connections -= 1
                    counts.unproven.subtractOne(self.origin)
                case .proven: counts.connections -= 1
                case .left: break
                }
            }
        }
    }

    private let mostConnections: Int
    private let mostConnectionsPerAddress: Int
    private let mostHandshakes: Int
    private let counts = Mutex(Counts())

    init(connections: Int, connectionsPerAddress: Int, handshakesPerAddress: Int) {
        self.mostConnections = connections
        self.mostConnectionsPerAddress = connectionsPerAddress
        self.mostHandshakes = handshakesPerAddress
    }

    /// Counts a new connection; nil, and nothing counted, when it is one too many.
    func admit(_ origin: Origin) -> Seat? {
        let isAdmitted = self.counts.withLock { counts in
            let handshakes = counts.handshakes[origin, default: 0]
            let unproven = counts.unproven[origin, default: 0]
            guard
                counts.connections < self.mostConnections, unproven < self.mostConnectionsPerAddress,
                handshakes < self.mostHandshakes
            else { return false }
            counts.connections += 1
            counts.unproven[origin] = unproven + 1
            counts.handshakes[origin] = handshakes + 1
            return true
        }
        return isAdmitted ? Seat(origin, in: self) : nil
    }

    /// Connections open now.
    var connections: Int {
        self.counts.withLock { $0.connections }
    }

    /// Addresses that anything is remembered of.
    var addresses: Int {
        self.counts.withLock { Set($0.handshakes.keys).union($0.unproven.keys).count }
    }
}

extension [ConnectionLedger.Origin: Int] {
    /// Takes one away, and forgets an address with none left: strangers decide how many keys there are.
    fileprivate mutating func subtractOne(_ origin: ConnectionLedger.Origin) {
        let left = self[origin, default: 0] - 1
        self[origin] = left > 0 ? left : nil
    }
}

import NIOCore
import RDPWire
import Synchronization

/// Proves a person to a host by Kerberos: their password buys a ticket from their realm, and the host sees only the ticket until it has proved itself.
///
/// The first call of `next` waits for the network (`blocks`). Tickets live in memory and end with this value. Source: MS-CSSP, RFC 4120, RFC 4178.
struct KerberosMechanism: SecurityMechanism {
    // The library's contexts are not safe for two threads at once: every use of them holds this lock.
    private final class Shared: @unchecked Sendable {
        let lock = Mutex(())
        var context: KerberosContext?

        var begun: KerberosContext {
            get throws(KerberosFailure) {
                guard let context else { throw KerberosFailure(wire: .unexpected("Kerberos: not begun")) }
                return context
            }
        }
    }

    private let credentials: DesktopCredentials
    private let realm: KerberosRealm
    private let eventLoop: any EventLoop
    private let channelBinding: [UInt8]?
    private let shared = Shared()

    /// Makes a mechanism for one connection.
    ///
    /// - Parameters:
    ///   - credentials: the person's own name and password in the realm.
    ///   - realm: where they and the host are known.
    ///   - eventLoop: where the connections to the domain controller live; `next` must not be called on it.
    ///   - channelBinding: what `CredSSPClient.channelBinding(ofCertificate:)` says of the host's certificate; nil for none.
    init(
        credentials: DesktopCredentials,
        realm: KerberosRealm,
        eventLoop: any EventLoop,
        channelBinding: [UInt8]?
    ) {
        self.credentials = credentials
        self.realm = realm
        self.eventLoop = eventLoop
        self.channelBinding = channelBinding
    }

    var blocks: Bool { true }

    var isComplete: Bool { self.shared.lock.withLock { _ in self.shared.context?.isComplete ?? false } }

    mutating func next(_ token: [UInt8]?) throws(RDPWireError) -> [UInt8]? {
        try self.locked { shared throws(KerberosFailure) in
            if token == nil {
                guard shared.context == nil else { throw KerberosFailure(wire: .unexpected("Kerberos: started twice")) }
                let exchange = KerberosExchange(self.realm, on: self.eventLoop)
                let tickets = try KerberosTickets(self.credentials, realm: self.realm, exchange: exchange)
                shared.context = try KerberosContext(tickets, service: self.realm.service, binding: self.channelBinding)
            }
            return try shared.begun.next(token)
        }
    }

    mutating func wrap(_ message: [UInt8]) throws(RDPWireError) -> [UInt8] {
        try self.locked { shared throws(KerberosFailure) in try shared.begun.wrap(message) }
    }

    mutating func unwrap(_ message: [UInt8]) throws(RDPWireError) -> [UInt8] {
        try self.locked { shared throws(KerberosFailure) in try shared.begun.unwrap(message) }
    }

    private func locked<Result: Sendable>(
        _ body: (Shared) throws(KerberosFailure) -> Result
    ) throws(RDPWireError) -> Result {
        do {
            return try self.shared.lock.withLock { _ throws(KerberosFailure) in try body(self.shared) }
        } catch {
            throw error.wire
        }
    }
}

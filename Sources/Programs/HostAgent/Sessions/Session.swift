import AgentWire
import Vocabulary

/// A person's session on this host, from PAM's opening of it until its last process is gone.
struct Session: Hashable, Sendable, Codable {
    /// Names the session, here and at the server.
    var id: GUID
    /// The privileged process of the connection.
    var pid: Int32
    /// When that process started: process numbers come again.
    var startTime: UInt64
    /// The kernel's audit session, inherited by everything started in it; nil where the kernel has none.
    var auditSession: UInt32?
    /// The person's name at the time.
    var user: String
    /// The person.
    var objectId: GUID
    /// The user number.
    var uid: UInt32
    /// The certificate's serial number.
    var serial: UInt64
    /// The certificate's key id.
    var keyID: String
    /// The end of the certificate's validity; nil when it never ends.
    var validBefore: Instant?
    /// Where the person came from.
    var source: String
    /// What PAM calls the terminal.
    var terminal: String
    /// When the session began.
    var openedAt: Instant
    /// Whether the person has been an administrator at any moment of it, so that processes of root may run in it.
    var wasAdministrator = false
    /// Whether it was ended: what is left of it is ended again until nothing is.
    var isCondemned = false
    /// Whether the connection is over and only processes that were left running remain.
    var isLingering = false

    /// The session as the server is told of it.
    var report: SessionReport {
        SessionReport(
            session: self.id,
            objectId: self.objectId,
            serial: SerialNumber(self.serial),
            keyId: self.keyID,
            source: self.source,
            tty: self.terminal,
            openedAt: self.openedAt,
            administrator: self.wasAdministrator
        )
    }

    /// The mark in the environment of the session's processes.
    var mark: String { "SALLYPORT_SESSION=\(self.id)" }

    /// Whether an order to end sessions means this one: everything that the order names must fit, and it must name something.
    func isMeant(by order: EndOrder) -> Bool {
        guard order.session != nil || order.objectId != nil || order.serial != nil else { return false }
        return (order.session ?? self.id) == self.id && (order.objectId ?? self.objectId) == self.objectId
            && (order.serial?.value ?? self.serial) == self.serial
    }
}

/// What a client says between its settings and its sign-in. Source: MS-RDPBCGR 2.2.1.5 to 2.2.1.11, T.125 section 7.
public enum DomainMessage: Hashable, Sendable {
    /// Joins the domain.
    case erecting
    /// Attaches itself.
    case attaching
    /// Joins a channel.
    case joining
    /// Data on a channel; the first of it is the Client Info.
    case data
    /// Leaves.
    case leaving

    /// Tells one whole message, envelope included, by its first byte; anything else does not belong here.
    public init(parsing message: [UInt8]) throws(RDPWireError) {
        let name = "an MCS message"
        var reader = try TPKT.payload(message, of: name)
        let length: Int?
        switch try reader.byte() {
        case 0x04: (self, length) = (.erecting, 4)
        case 0x28: (self, length) = (.attaching, 0)
        case 0x38: (self, length) = (.joining, 4)
        case 0x64: (self, length) = (.data, nil)
        case 0x21: (self, length) = (.leaving, nil)
        default: throw .unexpected("an MCS message before the sign-in")
        }
        // Hosts read on behind the end of a message that they know (xrdp does).
        guard length == nil || length == reader.left else { throw .malformed("\(name) of another length than it has") }
    }
}

/// Holds a client to the order of these messages: the domain, then the user, then channels, then the sign-in; each but channels once.
///
/// Source: MS-RDPBCGR 1.3.1.1. Hosts differ in what they make of another order.
public struct DomainOrder: Hashable, Sendable {
    private var next = DomainMessage.erecting

    /// Starts before the first message.
    public init() {}

    /// Takes the next message; throws when it is not its turn.
    public mutating func take(_ message: DomainMessage) throws(RDPWireError) {
        switch (self.next, message) {
        case (.erecting, .erecting): self.next = .attaching
        case (.attaching, .attaching): self.next = .joining
        case (.joining, .joining), (.joining, .data), (_, .leaving): break
        default: throw .unexpected("an MCS message out of its turn")
        }
    }
}

/// The messages with which a host ends a connection.
public enum DisconnectMessage {
    /// Why a host ends a session, as clients show it. Source: MS-RDPBCGR 2.2.5.1.1.
    public enum Reason: UInt32, Hashable, Sendable {
        /// An administrator's tool.
        case administrator = 1
        /// Idle for too long.
        case idle = 3
        /// Open for too long.
        case tooOld = 4
    }

    /// Says why, as the Set Error Info PDU. Source: MS-RDPBCGR 2.2.5.1.
    public static func errorInfo(_ reason: Reason) -> [UInt8] {
        let share: [UInt8] = [0xea, 0x03, 0x01, 0x00]
        let data = share + [0, 1] + PDUBytes.short(8) + [0x2f, 0, 0, 0] + PDUBytes.long(reason.rawValue)
        let control = PDUBytes.short(data.count + 6) + [0x17, 0x00, 0xea, 0x03] + data
        // Send data indication from user 1002 on the I/O channel 1003, high priority, whole.
        let message = TPKT.data + [0x68, 0x00, 0x01, 0x03, 0xeb, 0x70, UInt8(control.count)] + control
        return [3, 0] + PDUBytes.bigShort(message.count + 4) + message
    }

    /// The last message: MCS Disconnect Provider Ultimatum, by the provider's own wish. Source: MS-RDPBCGR 2.2.2.3, T.125 section 7.
    public static let ultimatum: [UInt8] = [3, 0, 0, 9, 0x02, 0xf0, 0x80, 0x20, 0x80]
}

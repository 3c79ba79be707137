/// The answer to a connection request. Source: MS-RDPBCGR 2.2.1.2.
public enum ConnectionConfirm: Hashable, Sendable {
    /// One of the protocols that were asked for, or none of them when it is empty, which means the old encryption.
    case selected(SecurityProtocols, flags: UInt8)
    /// No agreement; the code as the protocol numbers it.
    case failed(UInt32)

    /// What a host may have more of, as flags beside the selection: 1 extended client data, 2 the graphics pipeline.
    public static let extendedDataAndGraphics: UInt8 = 3

    /// The longest answer that is read.
    public static let limit = 256

    /// Reads one whole message, envelope included.
    public init(parsing message: [UInt8]) throws(RDPWireError) {
        var reader = PDUReader(message, in: "a connection confirm")
        try reader.expect([3, 0], "its TPKT header")
        guard try reader.bigShort() == message.count, message.count <= Self.limit else {
            throw .malformed("a connection confirm of another length than it says")
        }
        _ = try reader.byte()
        guard try reader.byte() == 0xd0 else { throw .unexpected("no connection confirm") }
        _ = try reader.take(5)
        guard reader.left > 0 else {
            self = .selected([], flags: 0)
            return
        }
        let type = try reader.byte()
        let flags = try reader.byte()
        guard try reader.short() == 8 else {
            throw .malformed("a connection confirm with a negotiation of another length")
        }
        let value = try reader.long()
        switch type {
        case 2: self = .selected(SecurityProtocols(rawValue: value), flags: flags)
        case 3: self = .failed(value)
        default: throw .malformed("a connection confirm with an unknown block")
        }
    }

    /// The message, envelope included.
    public var bytes: [UInt8] {
        let block: [UInt8] =
            switch self {
            case .selected(let protocols, let flags): [2, flags, 8, 0] + PDUBytes.long(protocols.rawValue)
            case .failed(let code): [3, 0, 8, 0] + PDUBytes.long(code)
            }
        return [3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0] + block
    }
}

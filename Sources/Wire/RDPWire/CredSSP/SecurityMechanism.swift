/// What CredSSP proves an identity with: NTLM or Kerberos. One context, one connection.
///
/// Source: MS-CSSP section 3.1.5, GSS-API (RFC 2743) with the two calls that CredSSP needs.
public protocol SecurityMechanism: Sendable {
    /// The next token for the host, out of its last one (nil at first); nil when there is nothing more to say.
    mutating func next(_ token: [UInt8]?) throws(RDPWireError) -> [UInt8]?
    /// Whether both sides are agreed, so that messages can be wrapped.
    var isComplete: Bool { get }
    /// Encrypts and signs a message to the host.
    mutating func wrap(_ message: [UInt8]) throws(RDPWireError) -> [UInt8]
    /// Checks and decrypts a message from the host.
    mutating func unwrap(_ message: [UInt8]) throws(RDPWireError) -> [UInt8]
    /// Whether `next` may wait for the network, so that it must run on a thread that may stand still, never on an event loop.
    var blocks: Bool { get }
}

extension SecurityMechanism {
    /// Most mechanisms only compute.
    public var blocks: Bool { false }
}

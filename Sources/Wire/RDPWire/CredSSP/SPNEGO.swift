/// The envelope around a mechanism's tokens, as far as a client that began without it may meet it. Source: RFC 4178 section 4.2.2.
enum SPNEGO {
    /// Whether a token is a negotiation response and not a mechanism's own.
    static func isResponse(_ token: [UInt8]) -> Bool {
        token.first == DER.field(1)
    }

    /// The mechanism's token in a response of the host.
    static func token(_ bytes: [UInt8]) throws(RDPWireError) -> [UInt8] {
        let what = "SPNEGO response"
        var outer = DERReader(bytes[...])
        var choice = DERReader(try outer.element(DER.field(1), what))
        try outer.end(what)
        var fields = DERReader(try choice.element(DER.sequence, what))
        try choice.end(what)
        // 0 accepted, 1 go on, 2 refused, 3 the host wants a code over the list of mechanisms.
        let state = try fields.optional(field: 0, DER.enumerated, what)
        guard state.map({ $0.elementsEqual([2]) }) != true else { throw .refused("The host refused the sign-in.") }
        _ = try fields.optional(field: 1, DER.objectIdentifier, what)
        guard let token = try fields.optional(field: 2, DER.octetString, what) else {
            throw .malformed("\(what): no token of the mechanism")
        }
        _ = try fields.optional(field: 3, DER.octetString, what)
        try fields.end(what)
        return Array(token)
    }

    /// A mechanism's token in a response to the host.
    static func response(_ token: [UInt8]) -> [UInt8] {
        let field = DER.element(DER.field(2), DER.element(DER.octetString, token))
        return DER.element(DER.field(1), DER.element(DER.sequence, field))
    }
}

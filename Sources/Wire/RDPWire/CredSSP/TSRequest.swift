/// The one message of CredSSP, in both directions. Source: MS-CSSP section 2.2.1.
struct TSRequest: Equatable {
    /// The most a message may hold: a Kerberos ticket with a long authorisation list is the largest thing in one.
    static let limit = 128 * 1024

    var version: Int64
    /// The mechanism's token; the type allows several, nobody sends more than one.
    var token: [UInt8]?
    var authInfo: [UInt8]?
    var publicKeyAuth: [UInt8]?
    /// An NTSTATUS; from version 3 on, except 5.
    var errorCode: UInt32?
    /// 32 random bytes; from version 5 on.
    var nonce: [UInt8]?

    init(
        version: Int64,
        token: [UInt8]? = nil,
        authInfo: [UInt8]? = nil,
        publicKeyAuth: [UInt8]? = nil,
        errorCode: UInt32? = nil,
        nonce: [UInt8]? = nil
    ) {
        self.version = version
        self.token = token
        self.authInfo = authInfo
        self.publicKeyAuth = publicKeyAuth
        self.errorCode = errorCode
        self.nonce = nonce
    }

    /// Reads exactly one message.
    init(_ bytes: [UInt8]) throws(RDPWireError) {
        let what = "TSRequest"
        guard bytes.count <= Self.limit else { throw .tooLong("\(what) of \(bytes.count) bytes") }
        var outer = DERReader(bytes[...])
        var fields = DERReader(try outer.element(DER.sequence, what))
        try outer.end(what)
        guard let version = try fields.optional(field: 0, DER.integer, what) else {
            throw .malformed("\(what): no version")
        }
        self.version = try DERReader.number(version, what)
        self.token = try fields.optional(field: 1, DER.sequence, what).map(Self.onlyToken)
        self.authInfo = try fields.optional(field: 2, DER.octetString, what).map { Array($0) }
        self.publicKeyAuth = try fields.optional(field: 3, DER.octetString, what).map { Array($0) }
        self.errorCode = try fields.optional(field: 4, DER.integer, what).map(Self.status)
        self.nonce = try fields.optional(field: 5, DER.octetString, what).map { Array($0) }
        try fields.end(what)
        if let nonce = self.nonce, nonce.count != 32 { throw .malformed("\(what): a nonce of \(nonce.count) bytes") }
    }

    private static func onlyToken(_ list: ArraySlice<UInt8>) throws(RDPWireError) -> [UInt8] {
        var items = DERReader(list)
        var item = DERReader(try items.element(DER.sequence, "TSRequest token"))
        try items.end("TSRequest tokens")
        guard let token = try item.optional(field: 0, DER.octetString, "TSRequest token") else {
            throw .malformed("TSRequest: a token without content")
        }
        try item.end("TSRequest token")
        return Array(token)
    }

    private static func status(_ content: ArraySlice<UInt8>) throws(RDPWireError) -> UInt32 {
        // Some write the 32 bits as a negative number of four bytes, some as a positive one of five.
        let number = try DERReader.number(content, "TSRequest error code")
        guard number >= Int64(Int32.min), number <= Int64(UInt32.max) else {
            throw .malformed("TSRequest: an error code beyond 32 bits")
        }
        return UInt32(truncatingIfNeeded: number)
    }

    /// The message as DER.
    var bytes: [UInt8] {
        var fields = DER.element(DER.field(0), DER.integer(UInt8(clamping: self.version)))
        if let token {
            let item = DER.element(DER.sequence, DER.element(DER.field(0), DER.element(DER.octetString, token)))
            fields += DER.element(DER.field(1), DER.element(DER.sequence, item))
        }
        if let authInfo {
            fields += DER.element(DER.field(2), DER.element(DER.octetString, authInfo))
        }
        if let publicKeyAuth {
            fields += DER.element(DER.field(3), DER.element(DER.octetString, publicKeyAuth))
        }
        if let errorCode {
            let digits = (0..<4).reversed().map { UInt8(truncatingIfNeeded: errorCode >> ($0 * 8)) }
            let shortest = digits.enumerated().drop { index, digit in
                index < 3 && (digit == 0 && digits[index + 1] < 0x80 || digit == 0xFF && digits[index + 1] >= 0x80)
            }
            fields += DER.element(DER.field(4), DER.element(DER.integer, shortest.map(\.element)))
        }
        if let nonce {
            fields += DER.element(DER.field(5), DER.element(DER.octetString, nonce))
        }
        return DER.element(DER.sequence, fields)
    }
}

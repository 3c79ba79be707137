import Vocabulary

/// A name and a password as CredSSP hands them to the host, before encryption. Source: MS-CSSP sections 2.2.1.2 and 2.2.1.2.1.
enum TSCredentials {
    /// The DER of TSCredentials with TSPasswordCreds.
    static func bytes(_ credentials: DesktopCredentials) -> [UInt8] {
        let password = credentials.password.withValue { UTF16Text.bytes($0) }
        let fields = [UTF16Text.bytes(credentials.domain), UTF16Text.bytes(credentials.user), password].enumerated()
            .flatMap { index, text in DER.element(DER.field(UInt8(index)), DER.element(DER.octetString, text)) }
        let plain = DER.element(DER.octetString, DER.element(DER.sequence, fields))
        return DER.element(
            DER.sequence,
            DER.element(DER.field(0), DER.integer(1)),
            DER.element(DER.field(1), plain)
        )
    }
}

/// Text in the little-endian UTF-16 of Windows protocols.
enum UTF16Text {
    static func bytes(_ text: String) -> [UInt8] {
        text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    }
}

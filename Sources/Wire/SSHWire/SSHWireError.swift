/// Why bytes are not what they should be, or why a value may not be put into bytes.
public enum SSHWireError: Error, Hashable, Sendable {
    /// The bytes end before the value does.
    case truncated
    /// Bytes are left over after the value.
    case trailingBytes
    /// The value is longer than this library reads, or holds more parts.
    case tooLong
    /// An integer is negative, has a superfluous leading zero, or does not fit.
    case malformedInteger
    /// Text is not UTF-8, or holds a NUL.
    case malformedText
    /// A line is not `type base64 comment`, or its two types differ.
    case malformedLine
    /// The key type is none that this library knows.
    case unknownKeyType
    /// The key's numbers are not a key: wrong length, not on the curve, even modulus.
    case malformedKey
    /// A certificate stands where only a plain key may: as an authority, or inside another certificate.
    case certificateInsteadOfKey
    /// The certificate is neither for a user nor for a host, or has a reserved field that is not empty.
    case malformedCertificate
    /// A certificate without principals would be good for everybody.
    case noPrincipals
    /// A principal is empty, or holds white space, a comma, a wildcard or a control character.
    case malformedPrincipal
    /// Options are not sorted by name, or one occurs twice.
    case optionsOutOfOrder
    /// The certificate ends before it starts.
    case emptyValidity
    /// The serial number is zero, which no revocation list can name.
    case serialZero
    /// The signature algorithm is unknown, SHA-1, or not one for this key.
    case refusedSignatureAlgorithm
    /// The signature is not one of this key on these bytes.
    case signatureMismatch
    /// The signer failed.
    case signingFailed
    /// The bytes are not a revocation list of format version 1, or use a critical part that is not understood.
    case malformedRevocationList
    /// The text is not an unencrypted OpenSSH private key of a supported type.
    case malformedPrivateKey
}

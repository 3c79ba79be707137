extension SSHCertificate {
    /// Signs contents; the nonce must be unpredictable, 32 bytes are usual.
    ///
    /// Refuses contents that would be good for more than they say: no principals, wildcards or separators in principals, an end
    /// that is not after the start, serial 0, options out of order, host certificates with permissions, keys that cannot exist.
    public static func make(
        _ contents: Contents,
        nonce: [UInt8],
        by signer: SSHSigner
    ) throws(SSHWireError) -> SSHCertificate {
        try contents.check()
        return try SSHCertificate(contents, nonce: nonce, by: signer)
    }
}

extension SSHCertificate.Contents {
    /// Fails when the contents may not be signed.
    public func check() throws(SSHWireError) {
        try self.key.check()
        guard self.serial > 0 else { throw .serialZero }
        guard self.keyID.utf8.count <= 4096 else { throw .tooLong }
        guard Self.isSingleLine(self.keyID) else { throw .malformedText }
        guard self.validAfter < self.validBefore else { throw .emptyValidity }
        guard !self.principals.isEmpty else { throw .noPrincipals }
        guard self.principals.count <= SSHWire.mostPrincipals else { throw .tooLong }
        guard self.principals.allSatisfy({ Self.isPrincipal($0, for: self.kind) }) else { throw .malformedPrincipal }
        guard self.criticalOptions.count <= SSHWire.mostOptions, self.extensions.count <= SSHWire.mostOptions else {
            throw .tooLong
        }
        guard SSHCertificateOption.isOrdered(self.criticalOptions), SSHCertificateOption.isOrdered(self.extensions)
        else { throw .optionsOutOfOrder }
        // OpenSSH defines neither list for hosts.
        guard self.kind == .user || (self.criticalOptions.isEmpty && self.extensions.isEmpty) else {
            throw .malformedCertificate
        }
    }

    private static func isSingleLine(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
    }

    // OpenSSH matches a host's principals as patterns, and tools put principals into comma-separated lists: nothing that means
    // more than itself there is let in. `!` negates a pattern but is an ordinary character in a login name.
    private static func isPrincipal(_ name: String, for kind: SSHCertificate.Kind) -> Bool {
        guard !name.isEmpty, name.utf8.count <= 1024 else { return false }
        return name.utf8.allSatisfy { unit in
            switch unit {
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: ","), UInt8(ascii: "\""): false
            case UInt8(ascii: "!"): kind == .user
            default: unit > 0x20 && unit < 0x7f
            }
        }
    }
}

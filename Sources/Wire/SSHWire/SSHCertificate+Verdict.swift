public import Vocabulary

extension SSHCertificate {
    /// Whether the certificate is good at that time: start included, end excluded.
    public func isValid(at now: Instant) -> Bool {
        let now = SSHTime(now)
        return self.contents.validAfter <= now && now < self.contents.validBefore
    }

    /// Judges a certificate the way OpenSSH does, and more strictly in one point: a certificate without principals is refused.
    ///
    /// `authorities` are those trusted for this very kind: an authority for users is none for hosts. Names compare exactly.
    public func verdict(
        as kind: Kind,
        for principal: String,
        trusting authorities: [SSHPublicKey],
        revokedBy list: KeyRevocationList? = nil,
        at now: Instant
    ) -> Verdict<Contents> {
        guard self.contents.kind == kind else {
            return .refused(Refusal("CertificateWrongKind", reason: "The certificate is not for a \(kind)."))
        }
        guard authorities.contains(self.authority) else {
            return .refused(
                Refusal("CertificateAuthorityUnknown", reason: "The certificate's authority is not trusted.")
            )
        }
        do {
            try self.verifySignature()
        } catch {
            return .refused(Refusal("CertificateSignatureWrong", reason: "The certificate's signature is wrong."))
        }
        guard self.isValid(at: now) else {
            return .refused(
                Refusal(
                    "CertificateNotInForce",
                    reason: "The certificate is valid from \(self.contents.validAfter.instant.sentence) "
                        + "to \(self.contents.validBefore.instant.sentence).",
                    remedy: "Ask for a new one."
                )
            )
        }
        guard self.contents.principals.contains(principal) else {
            return .refused(
                Refusal(
                    "CertificatePrincipalMissing",
                    reason: "The certificate does not name \(PrintableText.of(principal))."
                )
            )
        }
        if let unknown = self.contents.criticalOptions.first(where: {
            !SSHCertificateOption.knownCritical.contains($0.name)
        }) {
            return .refused(
                Refusal(
                    "CertificateOptionUnknown",
                    reason: "The certificate demands \(PrintableText.of(unknown.name)), which is not known here."
                )
            )
        }
        if let list, list.isRevoked(self) {
            return .refused(
                Refusal("CertificateRevoked", reason: "The certificate was revoked.", remedy: "Ask for a new one.")
            )
        }
        return .allowed(self.contents)
    }
}

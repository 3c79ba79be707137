import SSHWire
import Vocabulary

extension Refusal {
    static func unknownAccount(_ subject: Subject) -> Refusal {
        Refusal(
            "AccountUnknown",
            reason: "\(PrintableText.of(subject.name)) is not in the directory any more.",
            remedy: "Sign in again."
        )
    }

    static func disabledAccount(_ name: String) -> Refusal {
        Refusal(
            "AccountDisabled",
            reason: "The account \(PrintableText.of(name)) is disabled.",
            remedy: "Ask an administrator to enable it."
        )
    }

    static func guest(_ name: String) -> Refusal {
        Refusal(
            "GuestNotAllowed",
            reason: "\(PrintableText.of(name)) is a guest, and guests cannot log in to machines.",
            remedy: "Use an account of this organisation."
        )
    }

    static let authorityKey = Refusal(
        "KeyIsAuthority",
        reason: "The key is a certificate authority's own.",
        remedy: "Make a new key."
    )

    static func weakKey(_ bits: Int) -> Refusal {
        Refusal("KeyTooWeak", reason: "RSA keys need at least \(bits) bits.", remedy: "Make a longer key.")
    }

    static func unfit(_ error: SSHWireError) -> Refusal {
        Refusal(
            "CertificateUnfit",
            reason: "No certificate can be made of these names and this key (\(error)).",
            remedy: "Check the key, and the names for spaces, wildcards and letters outside ASCII."
        )
    }

    static let revokedMeanwhile = Refusal(
        "AccessRevoked",
        reason: "The account's certificates were revoked while this one was being made.",
        remedy: "Try again."
    )

    static let certificateNotFound = Refusal(
        "CertificateNotFound",
        reason: "There is no such certificate in force that you may revoke.",
        remedy: "Check the serial number; only your own certificates are yours to revoke."
    )
}

import SSHWire
import Vocabulary

/// The certificate that somebody came with: as sshd tells PAM, and checked once more by the files that sshd goes by.
///
/// What sshd tells is a variable, and modules before ours may let people set variables of their own (pam_env with `user_readenv`). So nothing
/// counts that is only written there; what the authority has signed for the person is theirs, whichever connection shows it.
struct CertificateCheck: Sendable {
    let layout: HostLayout

    /// The first certificate of a person's that is in force, in lines of `publickey TYPE BASE64`; nil when there is none.
    func certificate(in authentication: String, of person: GUID, at now: Instant) -> SSHCertificate? {
        guard let keys = HostFile.text(self.layout.caKeysFile),
            let file = (try? HostFile.read(self.layout.revocationFile)).flatMap({ $0 }),
            let revoked = try? KeyRevocationList(bytes: file)
        else { return nil }
        let authorities = keys.split(separator: "\n" as Character).compactMap { try? SSHPublicKey(line: String($0)) }
        for line in authentication.split(separator: "\n" as Character) {
            let words = line.split(separator: " " as Character)
            guard words.count >= 3, words[0] == "publickey",
                let certificate = try? SSHCertificate(line: "\(words[1]) \(words[2])"),
                case .allowed = certificate.verdict(
                    as: .user,
                    for: person.description,
                    trusting: authorities,
                    revokedBy: revoked,
                    at: now
                )
            else { continue }
            return certificate
        }
        return nil
    }
}

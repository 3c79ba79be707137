import Client
import Crypto
import FoundationEssentials
import SSHWire
import Vocabulary

/// A key of this account with its certificate, in files that only its owner may read, until the certificate ends.
struct SSHCredentials {
    /// The private key's file, mode 0600.
    let keyFile: String
    /// The certificate's file.
    let certificateFile: String
    /// The authorities that vouch for machines, in `known_hosts` form.
    let knownHostsFile: String
    /// The names the certificate is for; the first is the login name.
    let principals: [String]
    /// When it ends.
    let validBefore: Instant

    /// The login name as ssh takes it on its command line and in its configuration: the object id where the name has characters that
    /// are refused or would be read as something else there.
    var loginName: String {
        self.principals.first(where: Self.isLoginName) ?? ""
    }

    // The characters that ssh refuses in a user's name, those that its configuration reads, and everything that does not show.
    private static func isLoginName(_ name: String) -> Bool {
        let refused = "'\"`;&<>(){}\\|$*?#%=".unicodeScalars
        return !name.isEmpty && !name.hasPrefix("-")
            && name.unicodeScalars.allSatisfy {
                PrintableText.isHarmless($0) && !$0.properties.isWhitespace && !refused.contains($0)
            }
    }

    private struct Note: Codable {
        let account: String
        let url: String
        let principals: [String]
        let validBefore: Instant
    }

    /// The files of a live certificate, renewed when fewer than two minutes are left.
    ///
    /// One process renews at a time, and the key stays: ssh opens the key and the certificate one after the other, while others may be renewing.
    static func current(_ context: Context) async throws -> SSHCredentials {
        let (state, account) = (context.state, context.account)
        if let kept = Self.kept(for: account, in: state) { return kept }
        let lock = try await StateLock.take(Self.directory(state) + "/lock")
        if let kept = Self.kept(for: account, in: state) { return kept }
        let known = Self.note(for: account, in: state).flatMap { Self.key(of: Self.files(Self.directory(state), $0)) }
        let key = known ?? .ed25519(Curve25519.Signing.PrivateKey())
        let jwk = try Self.webKey(key.publicKey)
        let identifier = Hex.encode(SHA256.hash(data: Data(jwk.text.utf8)))
        let answer = try await context.signedIn.certificate(for: jwk, keyID: identifier)
        guard let blob = Data(base64Encoded: answer.blob) else { throw Self.unreadable }
        guard let certificate = try? SSHCertificate(blob: [UInt8](blob)), certificate.contents.key == key.publicKey,
            certificate.contents.principals.contains(where: Self.isLoginName)
        else {
            throw Self.unreadable
        }
        let note = Note(
            account: account.name,
            url: account.url,
            principals: certificate.contents.principals,
            validBefore: answer.expiresAt
        )
        let files = Self.files(Self.directory(state), note)
        if known == nil {
            try key.file(comment: account.name).withValue { try state.write($0, toFile: files.keyFile) }
        }
        try state.write(Array((certificate.line() + "\n").utf8), toFile: files.certificateFile)
        try state.write(Array(try await Self.authorities(context).utf8), toFile: files.knownHostsFile)
        try state.write(note, to: "run/certificate.json")
        lock.release()
        return files
    }

    /// The files that are there, when they are this account's, whole, of one key, and good for a while; nil otherwise.
    static func kept(
        for account: Account,
        in state: StateDirectory,
        at now: Instant = TimeSource.system.now
    ) -> SSHCredentials? {
        guard let note = Self.note(for: account, in: state), note.validBefore > now + .seconds(120) else { return nil }
        let files = Self.files(Self.directory(state), note)
        guard let key = Self.key(of: files), FileManager.default.fileExists(atPath: files.knownHostsFile),
            let line = try? Data(contentsOf: URL(filePath: files.certificateFile)),
            let certificate = try? SSHCertificate(
                line: String(decoding: line, as: UTF8.self).trimmingSuffix(while: \.isNewline)
            ),
            certificate.contents.key == key.publicKey
        else { return nil }
        return files
    }

    // What was written down about the account's certificate; nothing when that is damaged, because a new one can be had.
    private static func note(for account: Account, in state: StateDirectory) -> Note? {
        guard let note = try? state.read(Note.self, from: "run/certificate.json"), note.account == account.name,
            note.url == account.url
        else { return nil }
        return note
    }

    private static func key(of files: SSHCredentials) -> OpenSSHPrivateKey? {
        (try? Data(contentsOf: URL(filePath: files.keyFile))).flatMap { try? OpenSSHPrivateKey(file: [UInt8]($0)) }
    }

    /// Removes keys and certificates.
    static func forget(in state: StateDirectory) {
        try? FileManager.default.removeItem(atPath: state.path + "/run")
    }

    /// A key as JSON Web Key. Source: RFC 8037 for Ed25519.
    static func webKey(_ key: SSHPublicKey) throws -> JSONValue {
        switch key {
        case .ed25519(let bytes): return ["kty": "OKP", "crv": "Ed25519", "x": .string(Base64URL.encode(bytes))]
        case .rsa(let exponent, let modulus):
            return ["kty": "RSA", "e": .string(Base64URL.encode(exponent)), "n": .string(Base64URL.encode(modulus))]
        case .ecdsa(let curve, let point):
            let half = (point.count - 1) / 2
            return [
                "kty": "EC", "crv": .string("P-" + curve.rawValue.dropFirst("nistp".count)),
                "x": .string(Base64URL.encode(point[1...half])), "y": .string(Base64URL.encode(point[(half + 1)...])),
            ]
        default:
            throw Problem("KeyType", shown: "Keys of this type cannot be certified; use ssh-ed25519, ecdsa or rsa.")
        }
    }

    private static let unreadable = Problem("BadAnswer", shown: "The server's certificate cannot be read.")

    private static func directory(_ state: StateDirectory) -> String {
        state.directory("run")
    }

    private static func files(_ directory: String, _ note: Note) -> SSHCredentials {
        SSHCredentials(
            keyFile: directory + "/id_ed25519",
            certificateFile: directory + "/id_ed25519-cert.pub",
            knownHostsFile: directory + "/known_hosts",
            principals: note.principals,
            validBefore: note.validBefore
        )
    }

    // One `@cert-authority` line for each authority that signs host certificates.
    private static func authorities(_ context: Context) async throws -> String {
        let reply = try await context.signedIn.connection.send(
            WebRequest("GET", context.account.url + "/hosts/v1/authorities")
        )
        let keys = (reply.json?["hostAuthorities"]?.array ?? []).compactMap(\.string)
        let lines = keys.compactMap { try? SSHPublicKey(line: $0) }.map {
            $0.authorityLine(for: ["*"], comment: "sallyport") + "\n"
        }
        guard reply.status == 200, !lines.isEmpty else {
            throw Problem("BadAnswer", shown: "The server did not say which authority vouches for its machines.")
        }
        return lines.joined()
    }
}

import AgentWire
import Crypto
import FoundationEssentials
import SSHWire
import Vocabulary

/// The host's own key: made on the host, never leaves it, signs every request.
struct MachineIdentity: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// Makes a new key.
    init() {
        self.key = Curve25519.Signing.PrivateKey()
    }

    /// Reads the key's file; throws when there is none.
    static func load(_ layout: HostLayout) throws(HostAgentError) -> MachineIdentity {
        guard let file = try HostFile.read(layout.machineKeyFile, limit: 4096),
            let bytes = Base64URL.decode(String(decoding: file, as: UTF8.self).trimmed),
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
        else { throw .configuration("\(layout.machineKeyFile) holds no machine key: join again") }
        return MachineIdentity(key: key)
    }

    private init(key: Curve25519.Signing.PrivateKey) {
        self.key = key
    }

    /// Writes the key's file, readable by root alone.
    func save(_ layout: HostLayout) throws(HostAgentError) {
        try HostFile.makeDirectory(layout.stateDirectory, mode: 0o755)
        try HostFile.makeDirectory(layout.privateDirectory, mode: 0o700)
        let text = Base64URL.encode(self.key.rawRepresentation) + "\n"
        try HostFile.replace(layout.machineKeyFile, with: Array(text.utf8), .root(0o600))
    }

    /// The public half as an OpenSSH line.
    var publicLine: String {
        SSHPublicKey.ed25519(Array(self.key.publicKey.rawRepresentation)).line()
    }

    /// The header that proves who sends a request.
    func authorization(
        host: GUID,
        method: String,
        path: String,
        at now: Instant,
        random: RandomSource = .system
    ) throws(HostAgentError) -> (name: String, value: String) {
        let nonce = random.token(bytes: 16)
        let message = HostAuthorization.message(method: method, path: path, seconds: now.seconds, nonce: nonce)
        guard let signature = try? self.key.signature(for: message) else {
            throw .configuration("the machine key cannot sign")
        }
        let proof = HostAuthorization(hostId: host, seconds: now.seconds, nonce: nonce, signature: Array(signature))
        return ("Authorization", proof.header)
    }
}

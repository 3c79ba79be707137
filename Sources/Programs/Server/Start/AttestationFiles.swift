import HostRoutes
import Keys
import Vocabulary

/// The key that attests machines, in a directory of its own below the data directory.
enum AttestationFiles {
    /// What signs texts about machines for a server.
    static func attestation(_ configuration: ServerConfiguration) throws -> Attestation {
        let key = try Self.prepare(
            in: configuration.dataDirectory + "/attestation",
            name: configuration.publicHost,
            at: TimeSource.system.now
        )
        return Attestation(certificatePEM: key.certificatePEM) { try key.sign($0) }
    }

    /// Reads the key, or makes it at the first start.
    static func prepare(in directory: String, name: String, at now: Instant) throws -> AttestationKey {
        try PrivateFiles.makeDirectory(directory)
        let keyFile = directory + "/key.pem"
        let certificateFile = directory + "/certificate.pem"
        if let key = try PrivateFiles.read(keyFile), let certificate = try PrivateFiles.read(certificateFile) {
            return try AttestationKey(privatePEM: Secret(key), certificatePEM: certificate)
        }
        let made = try AttestationKey.make(for: name, at: now)
        try PrivateFiles.write(made.privatePEM.withValue { $0 }, to: keyFile, mode: 0o600)
        try PrivateFiles.write(made.certificatePEM, to: certificateFile, mode: 0o644)
        return made
    }
}

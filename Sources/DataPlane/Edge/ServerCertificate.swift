import NIOCore
import NIOSSL
import Synchronization

/// Why the port cannot be opened.
public enum EdgeError: Error, Hashable, Sendable {
    /// The certificate is not PEM, or empty.
    case certificateNotReadable
    /// The private key is not PEM, or needs a pass phrase.
    case privateKeyNotReadable
    /// Certificate and key do not belong together, or the TLS library refuses them.
    case certificateRefused(String)
}

/// The certificate that the port shows; may be replaced while connections are open, which keep the one they began with.
public final class ServerCertificate: Sendable {
    private let current: Mutex<NIOSSLContext>

    /// Reads a certificate chain, the server's own first, and its private key.
    public init(certificateChainPEM: String, privateKeyPEM: String) throws(EdgeError) {
        self.current = Mutex(try Self.context(certificateChainPEM, privateKeyPEM))
    }

    /// Uses another certificate for connections from now on; on an error nothing changes.
    public func replace(certificateChainPEM: String, privateKeyPEM: String) throws(EdgeError) {
        let context = try Self.context(certificateChainPEM, privateKeyPEM)
        self.current.withLock { $0 = context }
    }

    var context: NIOSSLContext {
        self.current.withLock { $0 }
    }

    private static func context(_ chainPEM: String, _ keyPEM: String) throws(EdgeError) -> NIOSSLContext {
        guard let chain = try? NIOSSLCertificate.fromPEMBytes(Array(chainPEM.utf8)), !chain.isEmpty else {
            throw .certificateNotReadable
        }
        guard let key = try? NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem) else {
            throw .privateKeyNotReadable
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        // TLS 1.2 with forward secrecy and authenticated encryption only; RFC 9325 section 4.2. TLS 1.3 brings its own.
        configuration.cipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20"
        configuration.applicationProtocols = ["h2", "http/1.1"]
        configuration.shutdownTimeout = .seconds(2)
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw .certificateRefused("\(error)")
        }
    }
}

import Crypto
import NIOCore
import NIOSSL

/// TLS towards desktops. Their certificates are their own: what counts is the one that the host's agent reported.
enum HostTLS {
    /// One context for all connections.
    static let context: NIOSSLContext? = {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .seconds(1)
        return try? NIOSSLContext(configuration: configuration)
    }()

    /// Whether a certificate, in DER, is the one that was pinned; anything is when nothing was.
    static func isTrusted(_ certificate: [UInt8], pinned: [UInt8]?) -> Bool {
        guard let pinned else { return true }
        return SHA256.hash(data: certificate).elementsEqual(pinned)
    }
}

import NIOSSL

/// Which certificates a server may show.
public struct ServerTrust: Sendable {
    let context: NIOSSLContext

    /// Trusts the authorities in a PEM file, or the system's own where there is none.
    public init(authorities file: String?) throws(TransportError) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do {
            if let file {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file))
            }
            self.context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw .badAuthorities("\(file ?? "the system's list"): \(error)")
        }
    }
}

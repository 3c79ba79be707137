import Crypto
import NIOCore
import NIOSSL
import Synchronization
import Vocabulary

/// The certificates that the front shows to desktop clients, each in the name by which the client knows the machine.
///
/// Issued by the server's private CA, which clients trust already; the operator's own certificate where there is no such CA. Kept for an hour, so
/// that a busy gateway makes few.
final class DesktopCertificates: Sendable {
    private struct Entry {
        let context: NIOSSLContext
        let madeAt: Instant
    }

    /// The most names that are kept.
    private static let most = 4096
    private static let life = Duration.seconds(3600)

    private let directory: String
    private let own: (certificate: String, key: String)?
    private let entries = Mutex<[String: Entry]>([:])

    /// Makes the source; nothing is read before the first desktop.
    init(_ configuration: ServerConfiguration) {
        self.directory = configuration.dataDirectory + "/tls"
        self.own = configuration.tlsFiles
    }

    /// TLS for a machine's name. Throws when the certificate cannot be read or made.
    func context(for hostName: String, at now: Instant) throws -> NIOSSLContext {
        // One entry is enough where every machine gets the same certificate.
        let name = self.own == nil ? Self.printable(hostName) : ""
        if let entry = self.entries.withLock({ $0[name] }), now - entry.madeAt < Self.life {
            return entry.context
        }
        let context = try self.makeContext(name, at: now)
        self.entries.withLock { entries in
            if entries.count >= Self.most {
                entries = entries.filter { now - $0.value.madeAt < Self.life }
            }
            if entries.count < Self.most {
                entries[name] = Entry(context: context, madeAt: now)
            }
        }
        return context
    }

    // Machines say what they are called; a certificate takes letters, digits, hyphens and dots.
    private static func printable(_ hostName: String) -> String {
        let known = hostName.lowercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-._:".contains($0)) }
        return known.isEmpty ? "desktop" : String(known.prefix(253))
    }

    private func makeContext(_ name: String, at now: Instant) throws -> NIOSSLContext {
        let chain: String
        let key: String
        if let own = self.own {
            chain = try PrivateFiles.required(own.certificate)
            key = try PrivateFiles.required(own.key)
        } else {
            let short = String(name.prefix { $0 != "." })
            (chain, key) = try TLSFiles.issue(
                names: short == name || short.isEmpty || AddressBytes.parse(name) != nil ? [name] : [name, short],
                in: self.directory,
                at: now
            )
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(chain.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20"
        configuration.shutdownTimeout = .seconds(1)
        return try NIOSSLContext(configuration: configuration)
    }
}

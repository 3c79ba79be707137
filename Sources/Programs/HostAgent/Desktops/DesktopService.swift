import AgentWire
import Crypto
import FoundationEssentials
import Vocabulary

/// The desktop service of this host: xrdp, or what the agent's configuration says.
struct DesktopService: Sendable {
    let layout: HostLayout
    let configuration: AgentConfiguration

    /// Whether xrdp's session manager asks PAM on this host.
    var hasXRDP: Bool { HostFile.exists(self.layout.xrdpPAMFile) }

    /// What the server is told of it; nil where there is none.
    var report: DesktopReport? {
        if self.configuration.desktopCredentialCommand != nil {
            return DesktopReport(
                port: self.configuration.desktopPort ?? 3389,
                certificate: self.configuration.desktopCertificate.flatMap(Self.fingerprint) ?? "",
                product: self.configuration.desktopProduct ?? "other"
            )
        }
        guard self.hasXRDP, let text = HostFile.text(self.layout.xrdpConfigurationFile) else { return nil }
        let settings = Self.globals(of: text)
        let certificate = settings["certificate"].flatMap { $0.isEmpty ? nil : $0 } ?? "/etc/xrdp/cert.pem"
        // Without TLS there is nothing to know the host by.
        let speaksTLS = settings["security_layer"] != "rdp"
        return DesktopReport(
            port: self.configuration.desktopPort ?? Self.port(settings["port"] ?? "") ?? 3389,
            certificate: speaksTLS ? Self.fingerprint(self.layout.path(certificate)) ?? "" : "",
            product: "xrdp"
        )
    }

    /// The settings of the first section of xrdp.ini. Source: xrdp.ini(5).
    static func globals(of text: String) -> [String: String] {
        var settings: [String: String] = [:]
        var section = ""
        for line in text.split(whereSeparator: \.isNewline).map(\.trimmed) {
            if line.hasPrefix("[") { section = line.lowercased() }
            guard section == "[globals]", !line.hasPrefix("#"), !line.hasPrefix(";"),
                let equals = line.firstIndex(of: "=")
            else { continue }
            let value = line[line.index(after: equals)...].trimmed
            settings[line[..<equals].trimmed.lowercased()] = value
        }
        return settings
    }

    /// The first TCP port that xrdp listens on: `3389`, `tcp://:3389`, `tcp://127.0.0.1:3389`, `tcp6://{::1}:3389`, several of them in a row.
    static func port(_ setting: String) -> Int? {
        for word in setting.split(whereSeparator: { $0 == " " || $0 == "," }) {
            if let number = UInt16(word) { return Int(number) }
            guard word.hasPrefix("tcp"), let colon = word.lastIndex(of: ":"),
                let number = UInt16(word[word.index(after: colon)...])
            else { continue }
            return Int(number)
        }
        return nil
    }

    /// The SHA-256 of the first certificate in a file, PEM or DER, in hexadecimal.
    static func fingerprint(_ path: String) -> String? {
        guard let bytes = (try? HostFile.read(path, limit: 1 << 20)).flatMap({ $0 }), !bytes.isEmpty else { return nil }
        guard bytes[0] != 0x30 else { return Hex.encode(SHA256.hash(data: bytes)) }
        var isInside = false
        var base64 = ""
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(\.trimmed) {
            if line == "-----END CERTIFICATE-----" { break }
            if isInside { base64 += line }
            if line == "-----BEGIN CERTIFICATE-----" { isInside = true }
        }
        return Data(base64Encoded: base64).flatMap { $0.isEmpty ? nil : Hex.encode(SHA256.hash(data: $0)) }
    }
}

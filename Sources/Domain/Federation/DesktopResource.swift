import Vocabulary

/// The desktop of one machine as a resource: `ms-device-service://termsrv.wvd.microsoft.com/name/<host>`.
///
/// Source: MS-RDPBCGR section 5.4.5.4; Remote Desktop clients have the address built in.
struct DesktopResource: Sendable, Hashable {
    /// What stands before the host's name.
    static let prefix = "ms-device-service://termsrv.wvd.microsoft.com/name/"

    /// The host's name as it was written.
    let hostName: String

    /// The resource's name, without escapes: what tokens carry as their audience and assertions as `u`.
    var name: String { Self.prefix + self.hostName }

    /// Reads a resource's name, escaped or not; nil for everything else, and for a name that no host can have.
    init?(_ name: String) {
        guard name.utf8.count <= 1024 else { return nil }
        let plain = Self.unescaped(name)
        guard plain.utf8.count > Self.prefix.utf8.count else { return nil }
        guard plain.prefix(Self.prefix.count).lowercased() == Self.prefix else { return nil }
        guard
            let host = PercentEncoding.decode(plain.dropFirst(Self.prefix.count)),
            Self.isLegal(host)
        else { return nil }
        self.hostName = host
    }

    /// Undoes the escapes of a whole scope, which some clients write twice.
    static func unescaped(_ text: String) -> String {
        guard text.lowercased().hasPrefix("ms-device-service%3a") else { return text }
        return PercentEncoding.decode(text) ?? text
    }

    /// Whether a machine that calls itself `name` is meant: in any letter case, with or without its domain.
    ///
    /// Clients cut the name at its first dot; a domain that was written out must be the machine's own.
    func means(hostNamed name: String) -> Bool {
        let (asked, own) = (self.hostName.lowercased(), name.lowercased())
        return asked == own || asked == own.prefix { $0 != "." }
    }

    // RFC 1123 section 2.1, and the underscore that Windows allows.
    private static func isLegal(_ host: String) -> Bool {
        guard (1...253).contains(host.utf8.count) else { return false }
        return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { unit in
                    switch unit {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"):
                        true
                    default: unit == UInt8(ascii: "-") || unit == UInt8(ascii: "_")
                    }
                }
        }
    }
}

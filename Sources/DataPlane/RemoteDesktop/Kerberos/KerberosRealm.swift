/// All that a sign-in by Kerberos has to be told: the realm, the host's name there, and a way to the realm's domain controller.
///
/// Nothing is looked up in DNS and no file of the system is asked, so that the process's own Kerberos settings neither matter nor change.
struct KerberosRealm: Sendable {
    /// The realm's name, for Active Directory the domain's in upper case.
    let name: String
    /// The host's full name as the realm knows it; the service is `TERMSRV/host`.
    let host: String
    let call: FrontPlan.CallController

    /// Makes a realm; nil when a name has characters that Kerberos settings could not hold.
    ///
    /// - Parameter host: the name by which the host calls itself; one without the realm's domain at its end is given it.
    init?(name: String, host: String, call: @escaping FrontPlan.CallController) {
        let domain = "." + name.lowercased()
        let host = host.lowercased()
        let full = host.hasSuffix(domain) ? host : host.prefix { $0 != "." } + domain
        guard Self.isPlain(name), Self.isPlain(full), !full.hasPrefix(".") else { return nil }
        self.name = name
        self.host = full
        self.call = call
    }

    /// The service whose ticket proves somebody to the host.
    var service: String { "TERMSRV/\(self.host)@\(self.name)" }

    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 255
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

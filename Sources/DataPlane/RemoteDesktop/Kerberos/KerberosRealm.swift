/// A Kerberos realm and where its key distribution centres answer: all that a sign-in by Kerberos has to be told.
///
/// Nothing is looked up in DNS and no file of the system is asked, so that the process's own Kerberos settings neither matter nor change.
public struct KerberosRealm: Hashable, Sendable {
    /// The realm's name, for Active Directory the domain's in upper case.
    public let name: String
    /// Addresses of key distribution centres in the order they are tried: a host, or `host:port` (88 when there is none).
    public let controllers: [String]

    /// Makes a realm; nil when the name or an address has characters that Kerberos settings could not hold, or when there is no address.
    public init?(name: String, controllers: [String]) {
        let isPlain = { (text: String) in
            !text.isEmpty && text.utf8.count <= 255
                && text.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                        UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
                        true
                    default: false
                    }
                }
        }
        guard isPlain(name), !controllers.isEmpty, controllers.count <= 8, controllers.allSatisfy(isPlain) else {
            return nil
        }
        self.name = name
        self.controllers = controllers
    }
}

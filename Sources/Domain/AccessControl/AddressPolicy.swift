public import Vocabulary

/// Decides which addresses may be dialled at all, whoever asks.
///
/// A person who may add a machine chooses its address; without this rule that would be a way to the server's own
/// services and to the cloud's metadata. Source: the special-purpose registries of IANA, RFC 6890.
public struct AddressPolicy: Sendable {
    /// What is dialled although the standing rule refuses it, for example `127.0.0.0/8` on a laptop.
    public var exceptions: [AddressRange]

    /// The rule without exceptions.
    public static let standard = AddressPolicy(exceptions: [])

    /// Makes a policy.
    public init(exceptions: [AddressRange]) {
        self.exceptions = exceptions
    }

    /// Judges by the rule without exceptions.
    public static func judge(_ address: String) -> Verdict<IPAddress> {
        Self.standard.judge(address)
    }

    /// Judges an address in text form: allowed with the address as a number, or refused with the reason.
    public func judge(_ address: String) -> Verdict<IPAddress> {
        guard let address = IPAddress(address) else {
            return .refused(
                Refusal(
                    "AddressNotValid",
                    reason: "\"\(PrintableText.of(address, limit: 64))\" is not an IP address.",
                    remedy: "Give the machine an IPv4 or IPv6 address."
                )
            )
        }
        if self.exceptions.contains(where: { $0.contains(address) }) {
            return .allowed(address)
        }
        for (kind, ranges) in Self.refused where ranges.contains(where: { $0.contains(address) }) {
            return .refused(
                Refusal(
                    "AddressNotAllowed",
                    reason: "Connections to \(kind) are not allowed.",
                    remedy: "Give the machine an address in its own network, or let the operator allow this one."
                )
            )
        }
        return .allowed(address)
    }

    // Addresses that carry an IPv4 address inside are refused as a whole: they lead where the plain address leads,
    // which is what to write.
    private static let refused: [(kind: String, ranges: [AddressRange])] = [
        ("the server itself", ["127.0.0.0/8", "::1"]),
        ("an unspecified address", ["0.0.0.0/8", "::"]),
        ("a link-local address", ["169.254.0.0/16", "fe80::/10", "fec0::/10"]),
        (
            "a cloud's metadata service",
            ["168.63.129.16", "100.100.100.200", "192.0.0.0/24", "fd00:ec2::/32", "fd20:ce::254"]
        ),
        ("a multicast or broadcast address", ["224.0.0.0/4", "ff00::/8"]),
        ("a reserved address", ["240.0.0.0/4", "100::/64"]),
        (
            "an IPv4 address written as IPv6",
            ["::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"]
        ),
    ].map { ($0.0, $0.1.compactMap { AddressRange($0) }) }
}

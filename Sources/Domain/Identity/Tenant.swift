public import Vocabulary

/// The one organisation that an installation serves.
public struct Tenant: Sendable, Hashable {
    /// The directory's identifier: `tid` in every token.
    public let id: GUID
    /// The organisation's name.
    public let displayName: String
    /// The domains that user names end in, lower case; the first is the default.
    public let domains: [String]

    /// Makes a tenant. Throws `InvalidTenant` for the zero identifier, without a domain, or with one that is no ASCII host name of at most
    /// 48 characters: an installation that does not know whom it serves must not serve anybody.
    public init(id: GUID, displayName: String, domains: [String]) throws(Problem) {
        let domains = domains.map { $0.lowercased() }
        guard id != .zero, !domains.isEmpty, Set(domains).count == domains.count else {
            throw Problem("InvalidTenant", shown: "A tenant needs an identifier and at least one domain.")
        }
        for domain in domains where !Self.isDomain(domain) {
            throw Problem("InvalidTenant", shown: "“\(PrintableText.of(domain))” is not a domain name.")
        }
        guard Name.isDisplayable(displayName) else {
            throw Problem("InvalidTenant", shown: "The tenant needs a name of printable characters.")
        }
        self.id = id
        self.displayName = displayName
        self.domains = domains
    }

    /// What user names get that are written without a domain.
    public var defaultDomain: String { self.domains.first ?? "" }

    /// Whether a domain, in any letter case, is one of the tenant's.
    public func owns(domain: String) -> Bool {
        self.domains.contains(domain.lowercased())
    }

    private static func isDomain(_ text: String) -> Bool {
        guard (3...48).contains(text.utf8.count) else { return false }
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.count >= 2
            && labels.allSatisfy { label in
                label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-") && (1...63).contains(label.count)
                    && label.allSatisfy { Name.isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
            }
    }
}

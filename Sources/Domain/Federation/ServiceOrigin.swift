import Identity
public import Vocabulary

/// The addresses that the service answers at, and the names that tokens for its parts carry.
///
/// Bases are scheme, host and optional port in lower case, without a trailing slash. All are the same by default.
public struct ServiceOrigin: Sendable, Hashable {
    /// Where the portal, the bastion and the agents' interface are.
    public let base: String
    /// Where people sign in and tokens are issued.
    public let loginBase: String
    /// Where resources are managed.
    public let resourceManagerBase: String
    /// Where the directory is read.
    public let graphBase: String

    /// Checks and keeps the addresses; a nil one is the same as `base`.
    ///
    /// Throws `InvalidOrigin` unless each is `https`, a host and at most a port: clients take the first path segment of a sign-in
    /// address for the tenant, so there must be no path.
    public init(
        base: String,
        loginBase: String? = nil,
        resourceManagerBase: String? = nil,
        graphBase: String? = nil
    ) throws(Problem) {
        self.base = try Self.checked(base)
        self.loginBase = try loginBase.map(Self.checked) ?? self.base
        self.resourceManagerBase = try resourceManagerBase.map(Self.checked) ?? self.base
        self.graphBase = try graphBase.map(Self.checked) ?? self.base
    }

    private static func checked(_ text: String) throws(Problem) -> String {
        let trimmed = text.lowercased().hasSuffix("/") ? String(text.lowercased().dropLast()) : text.lowercased()
        guard let address = RedirectURI(trimmed), address.origin == trimmed, trimmed.hasPrefix("https://") else {
            throw Problem(
                "InvalidOrigin",
                shown: "An address of this service must be https://host or https://host:port."
            )
        }
        return trimmed
    }

    /// The host of the sign-in address, without its port.
    public var loginHost: String { Self.host(of: self.loginBase) }

    private static func host(of base: String) -> String {
        let authority = base.dropFirst("https://".count)
        return String(authority.prefix { $0 != ":" })
    }

    /// The name of the resource manager that the cloud metadata announces: what `az` asks tokens for.
    ///
    /// Has a path of its own when resource manager and directory share one address, so that a token for one is no token for the other.
    public var resourceManagerAudience: String {
        self.resourceManagerBase == self.graphBase
            ? self.resourceManagerBase + "/management/" : self.resourceManagerBase + "/"
    }

    /// The names that mean one part of the service, without a trailing slash, the announced one first.
    ///
    /// The well-known public names are among them because clients have them built in; a token is ours by its issuer and signature.
    public func names(of audience: Audience) -> [String] {
        switch audience {
        case .resourceManager:
            [
                String(self.resourceManagerAudience.dropLast()), "https://management.core.windows.net",
                "https://management.azure.com", "https://management.usgovcloudapi.net",
                "https://management.core.usgovcloudapi.net", "797f4846-ba00-4fd7-ba43-dac1f8f63013",
            ]
        case .graph:
            [self.graphBase, "https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"]
        case .linuxSignIn:
            [
                self.base + "/CheckMyAccess/Linux", "https://pas.windows.net/CheckMyAccess/Linux",
                "https://pasff.usgovcloudapi.net/CheckMyAccess/Linux",
                "https://pas.chinacloudapi.cn/CheckMyAccess/Linux", "ce6ff14a-7fdc-4685-bbe0-f6afdfcfa8e0",
            ]
        case .machine:
            [self.base + "/hosts", "urn:ms-drs:enterpriseregistration.windows.net"]
        case .desktopSignIn:
            // Only the beginning: the name of the machine follows.
            [DesktopResource.prefix]
        }
    }

    /// Which part of the service a resource name means; one trailing slash more or less is the same name.
    public func audience(named resource: String) -> Audience? {
        if DesktopResource(resource) != nil { return .desktopSignIn }
        let bare = resource.hasSuffix("/") ? String(resource.dropLast()) : resource
        return Audience.allCases.first { self.names(of: $0).contains(bare) }
    }

    /// The issuer written into tokens. Version 1 ends in a slash, version 2 in `/v2.0`. Source: Microsoft identity platform, access tokens.
    public func issuer(tenant: GUID, version: EndpointVersion) -> String {
        switch version {
        case .v1: "\(self.loginBase)/\(tenant)/"
        case .v2: "\(self.loginBase)/\(tenant)/v2.0"
        }
    }

    /// Where a program that has no address of its own has its answers sent: a page of ours, under each of the tenant's names.
    ///
    /// Source: Microsoft identity platform, redirect URIs of native clients (`/oauth2/nativeclient`).
    func nativeClientAddresses(tenant: Tenant) -> [String] {
        (["common", "organizations", tenant.id.description] + tenant.domains.map { $0.lowercased() })
            .map { "\(self.loginBase)/\($0)/oauth2/nativeclient" }
    }

    /// Every spelling of the token endpoint that a client assertion may name as its audience.
    func tokenEndpoints(tenant: Tenant) -> Set<String> {
        var names = ["common", "organizations", tenant.id.description]
        names += tenant.domains.map { $0.lowercased() }
        var endpoints: Set<String> = [
            self.issuer(tenant: tenant.id, version: .v1), self.issuer(tenant: tenant.id, version: .v2),
        ]
        for name in names {
            endpoints.insert("\(self.loginBase)/\(name)/oauth2/v2.0/token")
            endpoints.insert("\(self.loginBase)/\(name)/oauth2/token")
        }
        return endpoints
    }
}

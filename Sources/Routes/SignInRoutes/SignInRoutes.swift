public import Federation
public import Hummingbird
public import Identity
public import Keys
public import Vocabulary

/// The sign-in service over HTTP: token, authorize, device code and logout endpoints in both spellings, the pages people see, the
/// documents clients discover it by.
///
/// Every handler decodes, calls one function of `Federation` and encodes.
public struct SignInRoutes: Sendable {
    /// The cookie that names a browser. The prefix binds it to this host, to TLS and to the whole site. Source: RFC 6265bis section 4.1.3.2.
    public static let cookieName = "__Host-sallyport"

    let federation: Federation
    let directory: Directory
    let keys: SigningKeys
    let origin: ServiceOrigin
    let clock: TimeSource
    let random: RandomSource
    let pages: PageRenderer

    /// Makes the routes. Throws when a page template is broken, which tests rule out.
    public init(
        federation: Federation,
        directory: Directory,
        keys: SigningKeys,
        origin: ServiceOrigin,
        clock: TimeSource = .system,
        random: RandomSource = .system
    ) throws {
        self.federation = federation
        self.directory = directory
        self.keys = keys
        self.origin = origin
        self.clock = clock
        self.random = random
        self.pages = try PageRenderer(
            tenantName: directory.tenant.displayName,
            domain: directory.tenant.defaultDomain
        )
    }

    /// Adds every route.
    public func add<Context: RequestContext>(to router: Router<Context>) {
        for version in [EndpointVersion.v2, .v1] {
            let base = version == .v2 ? ":tenant/oauth2/v2.0" : ":tenant/oauth2"
            self.addTokenEndpoints(to: router, base: base, version: version)
            self.addBrowserEndpoints(to: router, base: base, version: version)
        }
        self.addPages(to: router)
        self.addDiscovery(to: router)
        self.addCloudMetadata(to: router)
    }
}

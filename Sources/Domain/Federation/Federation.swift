public import Audit
public import Identity
public import Keys
public import Storage
import Synchronization
public import Vocabulary

/// The sign-in service: lets people and programs prove who they are, and issues and checks the tokens that say so.
///
/// OAuth 2.0 and OpenID Connect in the dialect of Microsoft Entra ID, for one tenant. Knows no HTTP: requests come in as values, pages go out
/// as values. Everything it issues is kept as a digest only.
public final class Federation: Sendable {
    /// The schema.
    public static let migrations = [
        Migration(
            "federation-1",
            AttemptLimits.schema + AuthorizationCodes.schema + RefreshTokens.schema + DeviceCodes.schema
                + SignInFlows.schema + BrowserSessions.schema
        ),
        Migration("federation-2", DesktopConsents.schema),
    ]

    /// The addresses and names of this installation.
    public let origin: ServiceOrigin

    let directory: Directory
    let keys: SigningKeys
    let database: any Database
    let audit: AuditLog
    let clock: TimeSource
    let random: RandomSource
    let mint: TokenMint
    let limits: AttemptLimits
    let codes: AuthorizationCodes
    let refreshTokens: RefreshTokens
    let deviceCodes: DeviceCodes
    let flows: SignInFlows
    let sessions: BrowserSessions
    let desktopConsents: DesktopConsents
    let desktopNonces: DesktopNonces
    private let desktops = Mutex<DesktopHosts?>(nil)
    private let issuer = Mutex<CertificateIssuer?>(nil)
    private let lastRemoval = Mutex<Instant?>(nil)

    /// Makes the service for the directory's tenant; the store must have the schema.
    public init(
        directory: Directory,
        keys: SigningKeys,
        database: any Database,
        audit: AuditLog,
        clock: TimeSource,
        random: RandomSource,
        origin: ServiceOrigin
    ) {
        self.directory = directory
        self.keys = keys
        self.database = database
        self.audit = audit
        self.clock = clock
        self.random = random
        self.origin = origin
        self.mint = TokenMint(keys: keys, origin: origin, tenant: directory.tenant, clock: clock, random: random)
        self.limits = AttemptLimits(database: database, clock: clock)
        self.codes = AuthorizationCodes(database: database, clock: clock, random: random)
        self.refreshTokens = RefreshTokens(database: database, clock: clock, random: random)
        self.deviceCodes = DeviceCodes(database: database, clock: clock, random: random)
        self.flows = SignInFlows(database: database, clock: clock, random: random)
        self.sessions = BrowserSessions(database: database, clock: clock, random: random)
        self.desktopConsents = DesktopConsents(database: database, clock: clock)
        self.desktopNonces = DesktopNonces(clock: clock, random: random)
    }

    /// Who issues SSH certificates; without one such requests are refused as temporarily unavailable.
    public var certificateIssuer: CertificateIssuer? {
        get { self.issuer.withLock { $0 } }
        set { self.issuer.withLock { $0 = newValue } }
    }

    /// Where machines are found by their host names; without it desktop sign-ins are refused as temporarily unavailable.
    public var desktopHosts: DesktopHosts? {
        get { self.desktops.withLock { $0 } }
        set { self.desktops.withLock { $0 = newValue } }
    }

    /// The tenant that is served.
    public var tenant: Tenant { self.directory.tenant }

    /// Removes everything whose time is over. Requests call it now and then; a server may call it as often as it likes.
    public func removeExpired() async throws {
        let now = self.clock.now
        try await self.database.write { transaction in
            try AttemptLimits.removeExpired(before: now, in: transaction)
            try AuthorizationCodes.removeExpired(before: now, in: transaction)
            try RefreshTokens.removeExpired(before: now, in: transaction)
            try DeviceCodes.removeExpired(before: now, in: transaction)
            try SignInFlows.removeExpired(before: now, in: transaction)
            try BrowserSessions.removeExpired(before: now, in: transaction)
            try DesktopConsents.removeExpired(before: now, in: transaction)
        }
    }

    /// Removes what is over when the last removal is five minutes ago.
    func removeExpiredNowAndThen() async throws {
        let now = self.clock.now
        let isDue = self.lastRemoval.withLock { last in
            if let last, now - last < .seconds(300) { return false }
            last = now
            return true
        }
        if isDue { try await self.removeExpired() }
    }

    /// How the word in a path names the tenant.
    enum TenantWord: Sendable, Hashable {
        case common
        case organizations
        case tenant
    }

    /// Reads the word in a path; nobody but the one tenant is served here.
    func tenantWord(_ word: String) throws(OAuthError) -> TenantWord {
        let lowered = word.lowercased()
        switch lowered {
        case "common": return .common
        case "organizations": return .organizations
        default:
            guard GUID(lowered) == self.tenant.id || self.tenant.owns(domain: lowered) else {
                throw .unknownTenant(word)
            }
            return .tenant
        }
    }

    /// Notes what happened. A note that cannot be kept stops what it is about: nothing is issued without a record.
    func record(
        _ action: String,
        actor: GUID?,
        name: String,
        target: String,
        refusal: OAuthError? = nil,
        _ circumstances: Circumstances,
        details: [String: String] = [:]
    ) async throws {
        try await self.audit.record(
            AuditEvent(
                at: self.clock.now,
                actor: actor,
                actorName: name,
                action: action,
                target: target,
                outcome: refusal == nil ? .success : .refused,
                reason: refusal?.sentence ?? "",
                correlation: circumstances.correlation,
                source: circumstances.source,
                details: details
            )
        )
    }
}

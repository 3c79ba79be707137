public import Vocabulary

/// A program that people sign in through. Source: RFC 6749 section 2.
public struct ClientApplication: Sendable, Hashable {
    /// The application (client) id.
    public let appID: GUID
    /// The name that the sign-in page shows.
    public let displayName: String
    /// Where authorization responses may be sent; for `http` on a loopback host any port will do. Source: RFC 8252 section 7.3.
    public let redirectURIs: [String]
    /// Whether it has no secret: command-line and desktop programs.
    public let isPublic: Bool
    /// Whether it shares refresh tokens with the other members of its maker's family of clients.
    public let isFamily: Bool

    /// Makes an application.
    public init(appID: GUID, displayName: String, redirectURIs: [String], isPublic: Bool, isFamily: Bool = false) {
        self.appID = appID
        self.displayName = displayName
        self.redirectURIs = redirectURIs
        self.isPublic = isPublic
        self.isFamily = isFamily
    }

    /// The Azure CLI.
    public static let azureCLI = ClientApplication(
        appID: GUID(high: 0x04b0_7795_8ddb_461a, low: 0xbbee_02f9_e1bf_7b46),
        displayName: "Microsoft Azure CLI",
        redirectURIs: ["http://localhost"],
        isPublic: true,
        isFamily: true
    )

    /// Azure PowerShell.
    public static let azurePowerShell = ClientApplication(
        appID: GUID(high: 0x1950_a258_227b_4e31, low: 0xa9cf_7174_9594_5fc2),
        displayName: "Microsoft Azure PowerShell",
        redirectURIs: ["http://localhost"],
        isPublic: true,
        isFamily: true
    )

    /// Our own command line.
    public static let sally = ClientApplication(
        appID: GUID(high: 0x5a11_7000_0000_4000, low: 0x8000_0000_0000_0001),
        displayName: "Sallyport command line",
        redirectURIs: ["http://localhost", "http://127.0.0.1"],
        isPublic: true,
        isFamily: true
    )

    /// Remote Desktop clients that sign in with an organisation's account; their answers go to a page of the sign-in service itself.
    public static let remoteDesktop = ClientApplication(
        appID: GUID(high: 0xa85c_f173_4192_42f8, low: 0x81fa_777a_763e_6e2c),
        displayName: "Remote Desktop",
        redirectURIs: [],
        isPublic: true
    )

    /// The ones that exist without being registered.
    public static let builtIn: [ClientApplication] = [.azureCLI, .azurePowerShell, .sally, .remoteDesktop]
}

/// A part of the service that takes tokens of its own.
public enum Audience: String, Sendable, Hashable, CaseIterable, Codable {
    /// The resource interface (ARM).
    case resourceManager
    /// The directory interface (Microsoft Graph).
    case graph
    /// Signing in to Linux machines: what SSH certificates are asked for.
    case linuxSignIn
    /// The agents' interface, for the identities of machines.
    case machine
    /// Signing in to the desktop of one machine; each machine is a resource of its own.
    case desktopSignIn
}

/// Which of the two spellings of the sign-in interface a request used; they differ in names and number formats.
public enum EndpointVersion: String, Sendable, Hashable, Codable {
    /// `/{tenant}/oauth2/token`, with `resource` and numbers as strings.
    case v1
    /// `/{tenant}/oauth2/v2.0/token`, with `scope` and numbers as numbers.
    case v2
}

/// What a request brought along besides its content; for limits and the record, never for decisions about who somebody is.
public struct Circumstances: Sendable, Hashable {
    /// The network address of the connection.
    public let source: String
    /// Joins the lines that belong to one request.
    public let correlation: String

    /// Makes the circumstances of one request.
    public init(source: String, correlation: String) {
        self.source = source
        self.correlation = correlation
    }
}

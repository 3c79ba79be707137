import Vocabulary

/// What a client asks a token for: one or more resources, and the OpenID Connect extras.
///
/// Source: Microsoft identity platform, scopes and permissions; OpenID Connect Core section 5.4.
struct ScopeRequest: Sendable, Hashable {
    /// One resource as the client spelled it.
    struct Resource: Sendable, Hashable {
        /// The name, which becomes the token's audience unchanged: a trailing slash counts.
        let name: String
        let audience: Audience
    }

    /// In the order they were named, each once.
    let resources: [Resource]
    /// Whether an ID token is wanted.
    let wantsIDToken: Bool
    /// Whether a refresh token is wanted.
    let wantsRefreshToken: Bool
    /// The scopes as asked; answers must repeat them literally, doubled slashes included.
    let text: String

    /// Reads a `scope` parameter.
    init(scope: String, origin: ServiceOrigin) throws(OAuthError) {
        guard scope.utf8.count <= 4096, scope.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw .scope("it is too long or holds a character that is not allowed")
        }
        var resources: [Resource] = []
        var items: [String] = []
        var words: Set<String> = []
        for item in scope.split(separator: " ").map(String.init) where !items.contains(item) {
            items.append(item)
            if Self.extras.contains(item) {
                words.insert(item)
                continue
            }
            let resource = try Self.resource(item, origin: origin)
            if !resources.contains(where: { Self.same($0.name, resource.name) }) {
                resources.append(resource)
            }
        }
        guard !items.isEmpty else { throw .missing("scope") }
        self.resources = resources
        self.wantsIDToken = words.contains("openid")
        self.wantsRefreshToken = words.contains("offline_access")
        self.text = items.joined(separator: " ")
    }

    /// Reads the `resource` parameter of version 1, where ID and refresh tokens come unasked.
    init(resource: String, origin: ServiceOrigin) throws(OAuthError) {
        guard resource.utf8.count <= 2048, let audience = origin.audience(named: resource) else {
            throw .unknownResource(resource)
        }
        self.resources = [Resource(name: DesktopResource(resource)?.name ?? resource, audience: audience)]
        self.wantsIDToken = true
        self.wantsRefreshToken = true
        self.text = "user_impersonation"
    }

    /// The only resource, as most grants want it.
    var single: Resource {
        get throws(OAuthError) {
            guard let first = self.resources.first else { throw .scope("it names no resource") }
            guard self.resources.count == 1 else { throw .severalResources }
            return first
        }
    }

    private static let extras: Set<String> = ["openid", "profile", "email", "offline_access"]

    private static func same(_ one: String, _ other: String) -> Bool {
        one == other || one + "/" == other || one == other + "/"
    }

    // Only the permissions that mean "all that the person may do": a narrower word would promise a limit nobody keeps.
    private static func resource(_ word: String, origin: ServiceOrigin) throws(OAuthError) -> Resource {
        let item = DesktopResource.unescaped(word)
        guard let slash = item.lastIndex(of: "/") else { throw .unknownPermission(item) }
        let name = String(item[..<slash])
        guard let audience = origin.audience(named: name) else { throw .unknownResource(name) }
        let permission = item[item.index(after: slash)...]
        guard permission == ".default" || permission == "user_impersonation" else { throw .unknownPermission(item) }
        return Resource(name: DesktopResource(name)?.name ?? name, audience: audience)
    }
}

import Vocabulary

/// A request at the authorize endpoint whose sender is known: client and redirect address are checked, so errors may go there.
///
/// Source: RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.1.
struct AuthorizationRequest: Sendable, Codable, Hashable {
    /// Where the answer goes in the address, or as a form.
    enum ResponseMode: String, Sendable, Codable {
        case query
        case fragment
        case formPost = "form_post"
    }

    let version: EndpointVersion
    let client: GUID
    let redirectURI: String
    let responseMode: ResponseMode
    let scope: String?
    let resource: String?
    let state: String?
    let nonce: String?
    let challenge: CodeChallenge?
    let prompt: Set<Prompt>
    let loginHint: String?
    let maxAge: Int64?
    let wantsClientInfo: Bool

    /// What the client says about talking to the person.
    enum Prompt: String, Sendable, Codable {
        case none
        case login
        case consent
        case selectAccount = "select_account"
        case create
    }
}

/// The part of a request that must be right before anything may be sent to the redirect address.
struct AuthorizationAddress: Sendable {
    let client: GUID
    let redirectURI: RedirectURI
    let responseMode: AuthorizationRequest.ResponseMode
    let state: String?

    /// Reads client and redirect address; an error here is shown on a page of ours and never sent anywhere.
    init(_ parameters: [String: String]) throws(OAuthError) {
        guard let name = parameters["client_id"], !name.isEmpty else { throw .missing("client_id") }
        guard let client = GUID(name) else { throw .unknownClient(name) }
        guard let redirect = parameters["redirect_uri"], !redirect.isEmpty else { throw .missing("redirect_uri") }
        guard let redirectURI = RedirectURI(redirect) else { throw .redirectMismatch }
        // An unknown mode must not decide where errors go: they go by query, as the default is.
        self.responseMode =
            parameters["response_mode"].flatMap(AuthorizationRequest.ResponseMode.init(rawValue:)) ?? .query
        self.client = client
        self.redirectURI = redirectURI
        self.state = parameters["state"]
    }
}

extension AuthorizationRequest {
    /// Reads the rest of a request; an error here is sent to the redirect address.
    init(
        _ parameters: [String: String],
        address: AuthorizationAddress,
        version: EndpointVersion,
        isPublicClient: Bool,
        origin: ServiceOrigin
    ) throws(OAuthError) {
        guard let responseType = parameters["response_type"] else { throw .missing("response_type") }
        guard responseType == "code" else { throw .unsupportedResponse }
        if let mode = parameters["response_mode"], ResponseMode(rawValue: mode) == nil {
            throw .badParameter("response_mode", "only query, fragment and form_post are supported")
        }
        guard parameters["request"] == nil, parameters["request_uri"] == nil else {
            throw .badParameter("request", "request objects are not supported")
        }
        let challenge = try CodeChallenge(
            challenge: parameters["code_challenge"],
            method: parameters["code_challenge_method"]
        )
        let resources = try Self.resources(parameters, version: version, origin: origin)
        let isForDesktop = resources.contains { $0.audience == .desktopSignIn }
        guard !isForDesktop || resources.count == 1 else { throw .severalResources }
        // The desktop client knows no PKCE; what its codes buy is bound to a key of the client's instead, and to this one machine.
        guard challenge != nil || !isPublicClient || isForDesktop && address.client == Self.desktopClient else {
            throw .challengeMissing
        }
        guard isForDesktop || address.client != Self.desktopClient else { throw .notPreauthorized }
        for name in ["state", "nonce", "login_hint"] {
            guard (parameters[name]?.utf8.count ?? 0) <= 4096 else { throw .badParameter(name, "it is too long") }
        }
        self.version = version
        self.client = address.client
        self.redirectURI = address.redirectURI.text
        self.responseMode = address.responseMode
        self.scope = parameters["scope"]
        self.resource = parameters["resource"]
        self.state = parameters["state"]
        self.nonce = parameters["nonce"]
        self.challenge = challenge
        self.prompt = try Self.prompt(parameters["prompt"])
        self.loginHint = parameters["login_hint"].flatMap { $0.isEmpty ? nil : $0 }
        self.maxAge = try Self.maxAge(parameters["max_age"])
        self.wantsClientInfo = parameters["client_info"] == "1"
    }

    // On this leg scopes may span several resources, and version 1 may name its resource only later.
    private static func resources(
        _ parameters: [String: String],
        version: EndpointVersion,
        origin: ServiceOrigin
    ) throws(OAuthError) -> [ScopeRequest.Resource] {
        if let scope = parameters["scope"], version == .v2 {
            return try ScopeRequest(scope: scope, origin: origin).resources
        } else if let resource = parameters["resource"], version == .v1 {
            return try ScopeRequest(resource: resource, origin: origin).resources
        } else if version == .v2 {
            throw .missing("scope")
        }
        return []
    }

    // One that is passed over would let an old sign-in do where the client asked for a new one.
    private static func maxAge(_ text: String?) throws(OAuthError) -> Int64? {
        guard let text, !text.isEmpty else { return nil }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let seconds = Int64(text)
        else { throw .badParameter("max_age", "it must be a whole number of seconds") }
        return seconds
    }

    private static func prompt(_ text: String?) throws(OAuthError) -> Set<Prompt> {
        var prompts: Set<Prompt> = []
        for word in (text ?? "").split(separator: " ") {
            guard let prompt = Prompt(rawValue: String(word)) else {
                throw .badParameter("prompt", "unknown word")
            }
            prompts.insert(prompt)
        }
        guard !prompts.contains(.none) || prompts.count == 1 else {
            throw .badParameter("prompt", "'none' stands alone")
        }
        return prompts
    }
}

public import Vocabulary

/// A request at the token endpoint, taken apart. Source: RFC 6749 section 4 and RFC 8628 section 3.4.
public struct TokenRequest: Sendable {
    /// What the client offers in exchange for tokens.
    public enum Grant: Sendable {
        case authorizationCode(Secret<[UInt8]>, redirectURI: String, verifier: Secret<[UInt8]>?)
        case refreshToken(Secret<[UInt8]>)
        case deviceCode(Secret<[UInt8]>)
        case clientCredentials
        case password(name: String, password: Secret<[UInt8]>)
    }

    /// How the client proves who it is.
    public enum Credential: Sendable {
        case none
        case secret(Secret<[UInt8]>)
        case assertion(String)
    }

    /// An SSH certificate asked for instead of a bearer token.
    public struct CertificateWish: Sendable {
        /// The public key as a JSON Web Key, as the client wrote it.
        public let key: JSONValue
        /// The client's name for the key.
        public let keyID: String
    }

    /// The word in the path: a tenant's identifier or domain, `organizations` or `common`.
    public let tenant: String
    /// The spelling of the endpoint.
    public let version: EndpointVersion
    /// What is offered.
    public let grant: Grant
    /// The client's application id.
    public let clientID: GUID
    /// The client's proof.
    public let credential: Credential
    /// The `scope` parameter.
    public let scope: String?
    /// The `resource` parameter of version 1.
    public let resource: String?
    /// Set when `token_type` is `ssh-cert`.
    public let certificate: CertificateWish?
    /// The key that the token is to be bound to, when `req_cnf` names one.
    public let confirmation: KeyConfirmation?
    /// What the client calls the bound token: `pop`, or nothing, and then the answer says `Bearer`.
    let wantsProofToken: Bool
    /// Whether `client_info` is wanted.
    public let wantsClientInfo: Bool
    /// Where it came from.
    public let circumstances: Circumstances

    /// Reads the form fields of a request; each field occurs once.
    ///
    /// Everything that is not known is refused: an unknown grant or token type never falls back to a known one.
    public init(
        fields: [String: String],
        basic: (name: String, secret: String)? = nil,
        tenant: String,
        version: EndpointVersion,
        circumstances: Circumstances
    ) throws(OAuthError) {
        guard let grantType = fields["grant_type"] else { throw .missing("grant_type") }
        self.grant = try Self.grant(grantType, fields)
        let (clientID, credential) = try Self.client(fields, basic: basic)
        self.clientID = clientID
        self.credential = credential
        self.certificate = try Self.certificate(fields)
        self.confirmation = try Self.confirmation(fields)
        self.wantsProofToken = fields["token_type"] == "pop"
        self.tenant = tenant
        self.version = version
        self.scope = fields["scope"]
        self.resource = fields["resource"]
        self.wantsClientInfo = fields["client_info"] == "1"
        self.circumstances = circumstances
    }

    private static func grant(_ type: String, _ fields: [String: String]) throws(OAuthError) -> Grant {
        switch type {
        case "authorization_code":
            return .authorizationCode(
                Self.secret(try Self.required("code", fields)),
                redirectURI: try Self.required("redirect_uri", fields),
                verifier: fields["code_verifier"].map(Self.secret)
            )
        case "refresh_token":
            return .refreshToken(Self.secret(try Self.required("refresh_token", fields)))
        case "urn:ietf:params:oauth:grant-type:device_code", "device_code":
            // Version 1 calls it `code`; some clients send both.
            guard let code = fields["device_code"] ?? fields["code"] else { throw .missing("device_code") }
            return .deviceCode(Self.secret(code))
        case "client_credentials":
            return .clientCredentials
        case "password":
            return .password(
                name: try Self.required("username", fields),
                password: Self.secret(try Self.required("password", fields))
            )
        default:
            throw .unsupportedGrant
        }
    }

    private static func client(
        _ fields: [String: String],
        basic: (name: String, secret: String)?
    ) throws(OAuthError) -> (GUID, Credential) {
        guard let name = fields["client_id"] ?? basic?.name else { throw .missing("client_id") }
        guard let id = GUID(name) else { throw .unknownClient(name) }
        let assertion = fields["client_assertion"]
        let secret = fields["client_secret"]
        // RFC 6749 section 2.3: never more than one way in one request.
        guard [assertion != nil, secret != nil, basic != nil].count(where: { $0 }) <= 1 else {
            throw .malformed("more than one client credential")
        }
        if let basic {
            guard GUID(basic.name) == id else { throw .malformed("two different clients") }
            return (id, .secret(Self.secret(basic.secret)))
        }
        if let assertion {
            guard fields["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" else {
                throw .badParameter("client_assertion_type", "only jwt-bearer is supported")
            }
            return (id, .assertion(assertion))
        }
        return (id, secret.map { .secret(Self.secret($0)) } ?? .none)
    }

    // The key stays as written: its `n` has a leading zero byte and padding, which a strict reader would refuse.
    private static func certificate(_ fields: [String: String]) throws(OAuthError) -> CertificateWish? {
        switch fields["token_type"] {
        case nil, "Bearer", "bearer", "pop": return nil
        case "ssh-cert":
            let text = try Self.required("req_cnf", fields)
            guard text.utf8.count <= 16_384, let key = try? JSONValue(parsing: text.utf8), key.object != nil else {
                throw .badParameter("req_cnf", "it must be a JSON Web Key")
            }
            let keyID = fields["key_id"] ?? key["kid"]?.string ?? ""
            guard keyID.utf8.count <= 256 else { throw .badParameter("key_id", "it is too long") }
            return CertificateWish(key: key, keyID: keyID)
        default: throw .badParameter("token_type", "only Bearer, pop and ssh-cert are supported")
        }
    }

    private static func confirmation(_ fields: [String: String]) throws(OAuthError) -> KeyConfirmation? {
        guard fields["token_type"] != "ssh-cert" else { return nil }
        guard let text = fields["req_cnf"] else {
            guard fields["token_type"] != "pop" else { throw .missing("req_cnf") }
            return nil
        }
        guard let confirmation = KeyConfirmation(text) else {
            throw .badParameter("req_cnf", "it must be base64url of a JSON object whose 'kid' is a SHA-256 thumbprint")
        }
        return confirmation
    }

    private static func required(_ name: String, _ fields: [String: String]) throws(OAuthError) -> String {
        guard let value = fields[name], !value.isEmpty else { throw .missing(name) }
        return value
    }

    private static func secret(_ text: String) -> Secret<[UInt8]> {
        Secret(Array(text.utf8))
    }
}

extension Secret where Value == [UInt8] {
    /// The text, for the one place that looks it up or compares it.
    var text: String { self.withValue { String(decoding: $0, as: UTF8.self) } }
}

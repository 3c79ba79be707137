import Federation
import HTTPTypes
import Hummingbird
import Identity
import Keys
import Vocabulary

extension SignInRoutes {
    /// The documents by which clients find endpoints and keys. Source: OpenID Connect Discovery 1.0, RFC 8414.
    func addDiscovery<Context: RequestContext>(to router: Router<Context>) {
        router.get(":tenant/v2.0/.well-known/openid-configuration") { request, context in
            self.configuration(request, context, version: .v2)
        }
        router.get(":tenant/.well-known/openid-configuration") { request, context in
            self.configuration(request, context, version: .v1)
        }
        router.get(":tenant/discovery/v2.0/keys") { request, context in
            self.publicKeys(request, context, version: .v2)
        }
        router.get(":tenant/discovery/keys") { request, context in
            self.publicKeys(request, context, version: .v1)
        }
        router.get(":tenant/discovery/instance") { request, context in
            self.instance(request, context)
        }
        router.get(":tenant/userrealm/:name") { _, context in
            self.document(self.userRealm(context.parameters.get("name") ?? ""), maxAge: 0)
        }
    }

    /// The name of the tenant as the endpoints of a discovery document repeat it; nil for a foreign one.
    ///
    /// Clients take the first path segment for the tenant, so a domain is answered with the identifier and `organizations` with itself.
    private func endpointTenant(_ word: String) -> String? {
        let lowered = word.lowercased()
        if lowered == "common" || lowered == "organizations" { return lowered }
        let tenant = self.directory.tenant
        return GUID(lowered) == tenant.id || tenant.owns(domain: lowered) ? tenant.id.description : nil
    }

    private func configuration(_ request: Request, _ context: some RequestContext, version: EndpointVersion) -> Response
    {
        guard let tenant = self.endpointTenant(self.tenantWord(context)) else {
            return self.unknownTenant(request, context, version: version)
        }
        let login = self.origin.loginBase
        let oauth = "\(login)/\(tenant)/oauth2" + (version == .v2 ? "/v2.0" : "")
        return self.document(
            [
                "issuer": .string(self.origin.issuer(tenant: self.directory.tenant.id, version: version)),
                "authorization_endpoint": .string("\(oauth)/authorize"),
                "token_endpoint": .string("\(oauth)/token"),
                "device_authorization_endpoint": .string("\(oauth)/devicecode"),
                "end_session_endpoint": .string("\(oauth)/logout"),
                "jwks_uri": .string("\(login)/\(tenant)/discovery" + (version == .v2 ? "/v2.0" : "") + "/keys"),
                "response_types_supported": ["code"],
                "response_modes_supported": ["query", "fragment", "form_post"],
                "grant_types_supported": [
                    "authorization_code", "refresh_token", "client_credentials", "password",
                    "urn:ietf:params:oauth:grant-type:device_code",
                ],
                "code_challenge_methods_supported": ["S256"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post", "client_secret_basic", "private_key_jwt", "none",
                ],
                "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256"],
                "claims_supported": [
                    "sub", "iss", "aud", "exp", "iat", "nbf", "auth_time", "nonce", "preferred_username", "name", "tid",
                    "oid", "ver",
                ],
                "request_uri_parameter_supported": false,
                "http_logout_supported": true,
                "tenant_region_scope": .null,
                "cloud_instance_name": .string(self.origin.loginHost),
                "rbac_url": .string(self.origin.base),
            ],
            maxAge: 86_400
        )
    }

    private func publicKeys(_ request: Request, _ context: some RequestContext, version: EndpointVersion) -> Response {
        guard self.endpointTenant(self.tenantWord(context)) != nil else {
            return self.unknownTenant(request, context, version: version)
        }
        let issuer = self.origin.issuer(tenant: self.directory.tenant.id, version: version)
        return self.document(self.keys.publicKeys(issuer: issuer), maxAge: 3600)
    }

    private func unknownTenant(_ request: Request, _ context: some RequestContext, version: EndpointVersion) -> Response
    {
        self.refusal(
            .unknownTenantWord(self.tenantWord(context)),
            version: version,
            circumstances: self.circumstances(request),
            logger: context.logger
        )
    }

    /// Says that our host is an authority, and no other.
    private func instance(_ request: Request, _ context: some RequestContext) -> Response {
        let asked = (try? self.query(request))?["authorization_endpoint"] ?? ""
        let host = self.origin.loginHost
        let rest = asked.hasPrefix("https://") ? asked.dropFirst("https://".count) : ""
        let authority = String(rest.prefix { $0 != "/" }).lowercased()
        guard authority == host || "https://" + authority == self.origin.loginBase else {
            return self.refusal(
                .unknownInstance,
                version: .v2,
                circumstances: self.circumstances(request),
                logger: context.logger
            )
        }
        let word = rest.split(separator: "/").dropFirst().first.map(String.init) ?? ""
        let tenant = self.endpointTenant(word) ?? "common"
        return self.document(
            [
                "tenant_discovery_endpoint": .string(
                    "\(self.origin.loginBase)/\(tenant)/v2.0/.well-known/openid-configuration"
                ),
                "api-version": "1.1",
                "metadata": [
                    [
                        "preferred_network": .string(host), "preferred_cache": .string(host),
                        "aliases": [.string(host)],
                    ]
                ],
            ],
            maxAge: 86_400
        )
    }

    // The same for every name of a domain: who exists is not told.
    private func userRealm(_ name: String) -> JSONValue {
        let decoded = PercentEncoding.decode(name, plusIsSpace: true) ?? ""
        let domain = decoded.split(separator: "@").last.map(String.init) ?? ""
        guard self.directory.tenant.owns(domain: domain) else { return ["ver": "1.0", "account_type": "Unknown"] }
        return [
            "ver": "1.0",
            "account_type": "Managed",
            "domain_name": .string(domain.lowercased()),
            "cloud_instance_name": .string(self.origin.loginHost),
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        ]
    }
}

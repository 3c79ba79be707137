public import Vocabulary

/// How the token endpoint answers.
public enum TokenOutcome: Sendable {
    case tokens(TokenResponse)
    case refused(OAuthError)
}

/// Tokens that were issued. Source: RFC 6749 section 5.1.
public struct TokenResponse: Sendable {
    /// `Bearer` or `ssh-cert`.
    public let tokenType: String
    /// The access token, or the certificate's blob in base 64.
    public let accessToken: Secret<String>
    /// How long the access token lasts, in whole seconds.
    public let expiresIn: Int64
    /// Whole seconds since 1970 when it begins and ends.
    public let notBefore, expiresOn: Int64
    /// The scopes as they were asked for, literally.
    public let scope: String
    /// The audience, for version 1.
    public let resource: String
    /// A new refresh token, if one was asked for.
    public let refreshToken: Secret<String>?
    /// An ID token, if one was asked for.
    public let idToken: Secret<String>?
    /// Who signed in, as base64url of `{"uid","utid"}`.
    public let clientInfo: String?
    /// Whether other clients of the family may use the refresh token.
    public let isFamily: Bool

    /// The JSON body. Numbers are numbers in version 2 and strings in version 1, as clients of each insist.
    public func document(version: EndpointVersion) -> JSONValue {
        func number(_ value: Int64) -> JSONValue { version == .v1 ? .string(String(value)) : .integer(value) }
        var body: JSONValue = [
            "token_type": .string(self.tokenType),
            "scope": .string(self.scope),
            "expires_in": number(self.expiresIn),
            "ext_expires_in": number(self.expiresIn),
            "access_token": .string(self.accessToken.withValue { $0 }),
        ]
        if version == .v1 {
            body["expires_on"] = number(self.expiresOn)
            body["not_before"] = number(self.notBefore)
            body["resource"] = .string(self.resource)
        }
        if let refreshToken = self.refreshToken {
            body["refresh_token"] = .string(refreshToken.withValue { $0 })
            if self.isFamily { body["foci"] = "1" }
        }
        if let idToken = self.idToken { body["id_token"] = .string(idToken.withValue { $0 }) }
        if let clientInfo = self.clientInfo { body["client_info"] = .string(clientInfo) }
        return body
    }
}

/// A token for the identity of a machine.
public struct ManagedIdentityToken: Sendable {
    /// The token.
    public let accessToken: Secret<String>
    /// When it begins and ends.
    public let notBefore, expiresOn: Instant
    /// What it is for, as asked.
    public let resource: String
    /// The identity's application id.
    public let clientID: GUID
}

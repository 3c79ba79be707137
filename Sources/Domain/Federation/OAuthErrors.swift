import Vocabulary

/// The refusals that this service makes, each in one place with its word, number and status.
///
/// Source: Microsoft Entra authentication and authorization error codes.
extension OAuthError {
    // Requests that are not well formed.
    static func missing(_ parameter: String) -> OAuthError {
        OAuthError(
            "invalid_request",
            900144,
            "The request body must contain the following parameter: '\(parameter)'."
        )
    }

    static func malformed(_ what: String) -> OAuthError {
        OAuthError("invalid_request", 9_002_313, "Invalid request. Request is malformed or invalid: \(what).")
    }

    static func badParameter(_ parameter: String, _ why: String) -> OAuthError {
        OAuthError("invalid_request", 90023, "The value of '\(parameter)' is not valid: \(why).")
    }

    static func unknownTenant(_ name: String) -> OAuthError {
        OAuthError(
            "invalid_request",
            90002,
            "Tenant '\(PrintableText.of(name, limit: 64))' not found. Check the tenant's identifier or domain name."
        )
    }

    static let tenantNeeded = OAuthError(
        "invalid_request",
        50059,
        "No tenant-identifying information found in the request. Use the tenant's identifier or domain in the address."
    )

    static let passwordNeedsTenant = OAuthError(
        "invalid_request",
        9_001_023,
        "The grant type is not supported over the /common or /consumers endpoints. Use /organizations or a tenant."
    )

    // Clients.
    static func unknownClient(_ name: String) -> OAuthError {
        OAuthError(
            "unauthorized_client",
            700016,
            "Application with identifier '\(PrintableText.of(name, limit: 64))' was not found in the directory."
        )
    }

    static let redirectMismatch = OAuthError(
        "invalid_request",
        50011,
        "The redirect URI specified in the request does not match the redirect URIs configured for the application."
    )

    static let credentialFromPublicClient = OAuthError(
        "invalid_client",
        700025,
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented."
    )

    static let credentialMissing = OAuthError(
        "invalid_client",
        7_000_218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        status: 401
    )

    static let wrongSecret = OAuthError(
        "invalid_client",
        7_000_215,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value.",
        status: 401
    )

    static func wrongAssertion(_ why: String) -> OAuthError {
        OAuthError(
            "invalid_client",
            700027,
            "The certificate with which the client assertion was signed is not registered for the application, or the "
                + "signature is not valid.",
            status: 401,
            logged: why
        )
    }

    static let assertionOutOfTime = OAuthError(
        "invalid_client",
        700024,
        "Client assertion is not within its valid time range.",
        status: 401
    )

    static let assertionForSomebodyElse = OAuthError(
        "invalid_client",
        700023,
        "Client assertion audience does not match this service, or its issuer and subject are not the client.",
        status: 401
    )

    // What is asked for.
    static let unsupportedGrant = OAuthError(
        "unsupported_grant_type",
        70003,
        "The app requested an unsupported grant type."
    )

    static let unsupportedResponse = OAuthError(
        "unsupported_response_type",
        700054,
        "Only response_type 'code' is enabled for this application."
    )

    static func scope(_ why: String) -> OAuthError {
        OAuthError("invalid_scope", 70011, "The provided request must include a valid 'scope' input parameter: \(why).")
    }

    static let severalResources = OAuthError(
        "invalid_scope",
        28000,
        "Provided value for the input parameter scope is not valid because it contains more than one resource."
    )

    static func unknownPermission(_ name: String) -> OAuthError {
        OAuthError(
            "invalid_scope",
            650053,
            "The scope '\(PrintableText.of(name, limit: 128))' does not exist. Ask for '<resource>/.default'."
        )
    }

    static func unknownResource(_ name: String) -> OAuthError {
        OAuthError(
            "invalid_resource",
            500011,
            "The resource principal named '\(PrintableText.of(name, limit: 128))' was not found in the tenant."
        )
    }

    // Proof keys.
    static let challengeMissing = OAuthError(
        "invalid_request",
        50147,
        "Missing code challenge. Public clients must use PKCE with the method S256."
    )

    static let challengeInvalid = OAuthError(
        "invalid_request",
        501_491,
        "Invalid code challenge: the method must be S256 and the challenge 43 characters of base64url."
    )

    static let verifierMismatch = OAuthError(
        "invalid_grant",
        501_481,
        "The code_verifier does not match the code_challenge supplied in the authorization request."
    )

    // Grants.
    static let codeUsed = OAuthError(
        "invalid_grant",
        54005,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code."
    )

    static let codeExpired = OAuthError("invalid_grant", 70008, "The provided authorization code has expired.")

    static let badGrant = OAuthError(
        "invalid_grant",
        70000,
        "The provided grant is not valid, was issued to another client, or has been removed.",
        suberror: "bad_token"
    )

    static let refreshExpired = OAuthError(
        "invalid_grant",
        700_082,
        "The refresh token has expired due to inactivity. Sign in again.",
        suberror: "bad_token"
    )

    static let revoked = OAuthError(
        "invalid_grant",
        50173,
        "The provided grant has expired due to it being revoked. Sign in again.",
        suberror: "bad_token"
    )

    static let accountDisabled = OAuthError("invalid_grant", 50057, "The user account is disabled.")

    static let accountGone = OAuthError(
        "invalid_grant",
        50034,
        "The user account does not exist in the directory.",
        suberror: "bad_token"
    )

    static let applicationDisabled = OAuthError("unauthorized_client", 7_000_112, "The application is disabled.")

    // Device codes.
    static let authorizationPending = OAuthError(
        "authorization_pending",
        70016,
        "Pending end-user authorization. Authorization is pending. Continue polling."
    )

    static let slowDown = OAuthError(
        "slow_down",
        70016,
        "Polling too often. Wait five seconds longer between requests."
    )

    static let authorizationDeclined = OAuthError("authorization_declined", 70020, "The user declined the request.")

    static let badDeviceCode = OAuthError("bad_verification_code", 70018, "Invalid verification code.")

    static let deviceCodeExpired = OAuthError("expired_token", 70019, "Verification code expired.")

    // Signing in with a browser.
    static let loginRequired = OAuthError(
        "login_required",
        50058,
        "A silent sign-in request was sent but no user is signed in."
    )

    static let selectionRequired = OAuthError(
        "interaction_required",
        16000,
        "Either multiple user identities are available for the current request or selected account is not supported."
    )

    static let declined = OAuthError("access_denied", 65004, "The sign-in was cancelled by the user.")

    static let flowExpired = OAuthError(
        "invalid_request",
        50089,
        "This sign-in page has expired or was used already. Go back to the program that sent you here and start again."
    )

    // Load and trouble.
    static func throttled(seconds: Int) -> OAuthError {
        OAuthError(
            "temporarily_unavailable",
            90055,
            "Too many requests from this address. Try again in \(seconds) seconds.",
            status: 429,
            retryAfter: seconds
        )
    }

    static func trouble(_ detail: String) -> OAuthError {
        OAuthError(
            "temporarily_unavailable",
            90033,
            "A transient error has occurred. Please try again.",
            status: 503,
            retryAfter: 5,
            logged: detail
        )
    }

    /// A refusal by the directory, whose code is `AADSTS` and the number already, or by the certificate authority, which reads "not assigned".
    init(_ refusal: Refusal) {
        let number = refusal.code.hasPrefix("AADSTS") ? Int(refusal.code.dropFirst("AADSTS".count)) : nil
        let code = number ?? 50105
        switch code {
        case 7_000_215, 7_000_222: self = .wrongSecret
        case 7_000_112: self = .applicationDisabled
        case 50055:
            self.init("invalid_grant", code, refusal.sentence, suberror: "user_password_expired", logged: refusal.code)
        default: self.init("invalid_grant", code, refusal.sentence, logged: refusal.code)
        }
    }
}

/// The refusals that routes make before they know enough to ask this module.
extension OAuthError {
    /// A form or query that cannot be read.
    public static func malformedForm(_ what: String) -> OAuthError { .malformed(what) }

    /// The token endpoint was asked with something else than POST.
    public static var notAPost: OAuthError {
        OAuthError(
            "invalid_request",
            900_561,
            "The endpoint only accepts POST requests. Received a GET request."
        )
    }

    /// A form that did not come from one of our own pages.
    public static var foreignForm: OAuthError {
        OAuthError(
            "invalid_request",
            90023,
            "This form was sent from another site. Open the sign-in page again and use that."
        )
    }

    /// A path that names another tenant than ours.
    public static func unknownTenantWord(_ word: String) -> OAuthError { .unknownTenant(word) }

    /// Somebody asked whether another host is an authority.
    public static var unknownInstance: OAuthError {
        OAuthError("invalid_instance", 50049, "Unknown or invalid instance.")
    }
}

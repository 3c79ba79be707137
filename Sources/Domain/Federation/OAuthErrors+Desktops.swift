import Vocabulary

/// The refusals about desktops, in the words and numbers of Microsoft Entra.
extension OAuthError {
    /// No machine goes by that name, or none that somebody may see; the refusal says which and what to do.
    static func desktopNotFound(_ refusal: Refusal) -> OAuthError {
        OAuthError("invalid_request", 293_004, refusal.sentence, logged: refusal.code)
    }

    /// Somebody has not yet allowed connections to that machine, and this is no place to ask.
    static func desktopNotAllowed(_ name: String) -> OAuthError {
        OAuthError(
            "invalid_grant",
            65001,
            "You have not allowed remote desktop connections to '\(PrintableText.of(name, limit: 253))' yet, or more than "
                + "thirty days ago. Sign in with a browser for this machine once and answer 'Yes'.",
            suberror: "consent_required"
        )
    }

    /// The desktop client asks for something else than a desktop.
    static let notPreauthorized = OAuthError(
        "invalid_scope",
        65002,
        "The Remote Desktop client gets tokens for desktops only: "
            + "'ms-device-service://termsrv.wvd.microsoft.com/name/<host>/user_impersonation'."
    )

    static let desktopForApplication = OAuthError(
        "unauthorized_client",
        50105,
        "Applications cannot sign in to desktops. Sign in as a person."
    )

    static let bindingWithoutDesktop = OAuthError.badParameter(
        "req_cnf",
        "only tokens for desktops and SSH certificates are bound to keys"
    )
}

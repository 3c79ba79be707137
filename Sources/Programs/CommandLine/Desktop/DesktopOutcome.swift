import Client
import Vocabulary

/// What the end of a desktop client means.
enum DesktopOutcome {
    /// Nil when the desktop was there and was left; otherwise what went wrong, as far as the client says.
    ///
    /// - Parameters:
    ///   - status: the client's exit status; negative for the signal that ended it.
    ///   - reason: why the server lets this person not in, if it says so.
    static func problem(
        _ client: DesktopClient,
        status: Int32,
        signIn: DesktopSignIn,
        account: String,
        reason: String?
    ) -> Problem? {
        // Ctrl-C in the terminal is one way to leave.
        guard status != 0, status != -2 else { return nil }
        guard status > 0 else {
            return Problem("ClientEnded", shown: "The desktop client was ended by signal \(-status).")
        }
        guard case .freeRDP = client else {
            return Problem("ClientFailed", shown: "The desktop client ended with status \(status).")
        }
        // Source: FreeRDP, exit codes of its clients.
        switch status {
        // Disconnected, logged off, or closed by the person.
        case 1, 2, 11, 12: return nil
        case 3, 4: return Problem("IdleTimeout", shown: "The desktop was disconnected because nobody used it.")
        case 5:
            return Problem(
                "Replaced",
                shown: "Somebody opened the same desktop elsewhere, which ended this connection."
            )
        case 9, 144, 155, 156, 158: return Self.notAllowed(reason)
        case 132, 134, 154, 159: return Self.loginFailed(signIn, account, reason)
        case 135, 151, 153, 157:
            return Problem(
                "AccountNotUsable",
                shown: "Your account is locked, disabled or has expired. \(reason ?? "Ask your administrator.")"
            )
        case 148, 149, 152:
            return Problem(
                "PasswordExpired",
                shown:
                    "Your password has expired or is a temporary one, which opens no desktop: change it in a browser, "
                    + "then try again."
            )
        case 139, 140: return Problem("NameNotFound", shown: "The client did not find the server's name.")
        case 143:
            return Problem(
                "CertificateNotTrusted",
                shown:
                    "The client did not trust the certificate that it was shown; the lines above say which. If it is the "
                    + "machine's own, compare the thumbprint and answer Y or T."
            )
        case 150: return Problem("NoKerberos", shown: "No Kerberos server could be reached for this machine's domain.")
        default:
            if let reason, !signIn.isOfMachine { return Self.notAllowed(reason) }
            return Problem(
                "ConnectionFailed",
                shown:
                    "The desktop did not open, or its connection broke (status \(status)). What the server says about it stands "
                    + "above, under 'Service message'; if nothing does, 'sally doctor' checks the way to the server."
            )
        }
    }

    /// What a server's refusal means for a person who knows the words of Windows; the same problem when there is nothing to add.
    static func explained(_ problem: Problem) -> Problem {
        // What sign-in services answer when a policy asks for more than the sign-in proved.
        let stronger = [
            "AADSTS50072", "AADSTS50074", "AADSTS50076", "AADSTS50079", "AADSTS53003", "interaction_required",
        ]
        guard stronger.contains(where: { problem.code.contains($0) || problem.shown.contains($0) }) else {
            return problem
        }
        return Problem(
            problem.code,
            shown:
                "The way you signed in is not allowed for this desktop (Windows says: the sign-in method you're trying to "
                + "use isn't allowed): a policy asks for more, such as a second factor. Run 'sally login' and try again. "
                + problem.shown,
            logged: problem.logged
        )
    }

    private static func notAllowed(_ reason: String?) -> Problem {
        Problem(
            "SignInNotAllowed",
            shown:
                "Your account may not sign in to this machine (Windows says: your account is configured to prevent you "
                + "from using this device). "
                + (reason
                    ?? "It needs the role Virtual Machine User Login or Virtual Machine Administrator Login on it; without "
                    + "an organisation's account, membership in Remote Desktop Users.")
        )
    }

    private static func loginFailed(_ signIn: DesktopSignIn, _ account: String, _ reason: String?) -> Problem {
        if let reason, !signIn.isOfMachine { return Self.notAllowed(reason) }
        let advice =
            switch signIn {
            case .password:
                "The machine did not take that name and password (Windows says: your credentials did not work). It wants a "
                    + "local account's; with your organisation's account leave out --auth-type, or use --enable-mfa."
            case .kerberos:
                "The lines above say why the domain or the machine did not take that name and password."
            case .webAccount:
                "The web account was not accepted. A password that must be changed first, or the older per-user "
                    + "multi-factor setting, does this, and so does an account of another directory: sign in with the "
                    + "account that 'sally account show' names, or run 'sally login --switch'."
            case .gateway:
                "The machine did not let \(PrintableText.of(account)) in. If that is not who you meant to be, run "
                    + "'sally login --switch'; an account with a temporary password must change it first."
            }
        return Problem("LoginFailed", shown: "The login attempt failed. " + advice)
    }
}

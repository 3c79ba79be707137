public import Vocabulary

/// What a person is shown next. Values only: how it looks is the routes' business.
public enum SignInPage: Sendable, Hashable {
    /// Name and password for an application; with a message when the last try was wrong.
    case credentials(CredentialsPage)
    /// A temporary password must be replaced first.
    case newPassword(NewPasswordPage)
    /// Which of the signed-in accounts it shall be.
    case accounts(AccountsPage)
    /// Enter the code that a program shows.
    case deviceCode(flow: String, message: String?)
    /// Really sign that program in?
    case confirmDevice(ConfirmDevicePage)
    /// Really connect to that machine?
    case allowDesktop(AllowDesktopPage)
    /// Sign out?
    case signOut(SignOutPage)
    /// Nothing more to do.
    case done(title: String, text: String)
    /// Something that cannot go on.
    case failure(OAuthError)

    /// Asks for name and password.
    public struct CredentialsPage: Sendable, Hashable {
        /// The token that stands in the form.
        public let flow: String
        /// The application that wants somebody to sign in.
        public let application: String
        /// The name to fill in.
        public let name: String
        /// What was wrong with the last try.
        public let message: String?
        /// Where the browser will be sent afterwards: the policy of the page must allow it.
        public let target: String?
    }

    /// Asks for a new password.
    public struct NewPasswordPage: Sendable, Hashable {
        /// The token that stands in the form.
        public let flow: String
        /// Whose password it is.
        public let name: String
        /// What was wrong with the last try.
        public let message: String?
        /// Where the browser will be sent afterwards.
        public let target: String?
    }

    /// Offers accounts.
    public struct AccountsPage: Sendable, Hashable {
        /// The token that stands in the form.
        public let flow: String
        /// The application that wants somebody to sign in.
        public let application: String
        /// The accounts.
        public let accounts: [SignedInAccount]
        /// Where the browser will be sent afterwards.
        public let target: String?
    }

    /// Asks whether to sign out.
    public struct SignOutPage: Sendable, Hashable {
        /// The token that stands in the form.
        public let flow: String
        /// Who is signed in.
        public let names: [String]
        /// Where the browser will be sent afterwards.
        public let target: String?
    }

    /// Asks whether a desktop connection to a machine is wanted: the first time, and every thirty days.
    public struct AllowDesktopPage: Sendable, Hashable {
        /// The token that stands in the form.
        public let flow: String
        /// The name that the machine calls itself by.
        public let hostName: String
        /// Which machine that is.
        public let machine: String
        /// The account's name.
        public let name: String
        /// Where the browser will be sent afterwards.
        public let target: String?
    }

    /// Asks for a last word before a program elsewhere is signed in.
    public struct ConfirmDevicePage: Sendable, Hashable {
        /// The token that stands in the form.
        public let flow: String
        /// The application.
        public let application: String
        /// The account's name.
        public let name: String
        /// The network address that asked for the code.
        public let source: String
    }
}

/// What a browser is answered.
public enum BrowserOutcome: Sendable, Hashable {
    /// A page, with the HTTP status it goes with.
    case page(SignInPage, status: Int)
    /// Go to an address that was registered for the application.
    case redirect(to: String)
    /// Send a form to an address that was registered for the application.
    case post(to: String, origin: String, fields: [FormField])

    /// One field of a form.
    public struct FormField: Sendable, Hashable {
        /// The name.
        public let name: String
        /// The value.
        public let value: String
    }
}

/// An answer to a browser, with the name it shall keep in its cookie.
public struct BrowserReply: Sendable {
    /// What it is answered.
    public let outcome: BrowserOutcome
    /// The cookie's new value; nil to leave it.
    public let browser: Secret<String>?
}

/// What a person did on a page.
public enum PageAnswer: Sendable {
    /// Entered name and password.
    case credentials(name: String, password: Secret<[UInt8]>)
    /// Replaced a temporary password.
    case newPassword(current: Secret<[UInt8]>, new: Secret<[UInt8]>, repeated: Secret<[UInt8]>)
    /// Chose an account.
    case account(GUID)
    /// Wants to sign in as somebody else.
    case otherAccount
    /// Entered a device code.
    case userCode(String)
    /// Said yes.
    case confirm
    /// Said no.
    case cancel
}

extension BrowserReply {
    /// A page that says what went wrong.
    public init(failure error: OAuthError) {
        self.init(outcome: .page(.failure(error), status: error.status), browser: nil)
    }
}

public import Vocabulary

/// The server's wish for a credential with which one person can open a desktop once. Answered with a `DesktopAnswer` of the same request.
public struct DesktopOrder: Hashable, Sendable, Codable {
    /// Names the wish; the answer bears it too.
    public var request: GUID
    /// The session of the data plane that the desktop is for; the host's own list of sessions shows it.
    public var session: GUID
    /// The person, whom the server has just allowed to enter.
    public var account: HostAccount

    /// Makes a wish.
    public init(request: GUID, session: GUID, account: HostAccount) {
        self.request = request
        self.session = session
        self.account = account
    }
}

/// An agent's answer to a `DesktopOrder`: a credential that is good for one sign-in within a minute, or why there is none.
///
/// It has no description that shows the password, and equality takes the same time wherever passwords differ.
public struct DesktopAnswer: Hashable, Sendable {
    /// The wish that this answers.
    public var request: GUID
    /// The account's name on the host, exactly as the host wants it.
    public var user: String
    /// The account's domain; may be empty.
    public var domain: String
    /// The password, in UTF-8; nil when there is none.
    public var password: Secret<[UInt8]>?
    /// Why there is none.
    public var refusal: Refusal?

    /// Makes an answer with a credential.
    public init(request: GUID, user: String, domain: String = "", password: Secret<[UInt8]>) {
        self.request = request
        self.user = user
        self.domain = domain
        self.password = password
    }

    /// Makes an answer without one.
    public init(request: GUID, refusal: Refusal) {
        self.request = request
        self.user = ""
        self.domain = ""
        self.refusal = refusal
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.request)
    }
}

extension DesktopAnswer: Codable {
    private enum CodingKeys: CodingKey {
        case request, user, domain, password, refusal
    }

    public init(from decoder: any Decoder) throws {
        let content = try decoder.container(keyedBy: CodingKeys.self)
        self.request = try content.decode(GUID.self, forKey: .request)
        self.user = try content.decodeIfPresent(String.self, forKey: .user) ?? ""
        self.domain = try content.decodeIfPresent(String.self, forKey: .domain) ?? ""
        self.password = try content.decodeIfPresent(String.self, forKey: .password).map { Secret(Array($0.utf8)) }
        self.refusal = try content.decodeIfPresent(Refusal.self, forKey: .refusal)
    }

    public func encode(to encoder: any Encoder) throws {
        var content = encoder.container(keyedBy: CodingKeys.self)
        try content.encode(self.request, forKey: .request)
        if let refusal { return try content.encode(refusal, forKey: .refusal) }
        try content.encode(self.user, forKey: .user)
        try content.encode(self.domain, forKey: .domain)
        try content.encode(self.password?.withValue { String(decoding: $0, as: UTF8.self) }, forKey: .password)
    }
}

/// A host's desktop service, as the host reports it.
public struct DesktopReport: Hashable, Sendable, Codable {
    /// The TCP port where it speaks RDP.
    public var port: Int
    /// The SHA-256 of its certificate in lower-case hexadecimal; empty where it has none.
    public var certificate: String
    /// What it is, `xrdp` for example.
    public var product: String

    /// Makes a report.
    public init(port: Int, certificate: String, product: String) {
        self.port = port
        self.certificate = certificate
        self.product = product
    }
}

/// What PAM knows when somebody wants a desktop with a name and a password.
public struct SignInAttempt: Hashable, Sendable {
    /// The name as typed (`PAM_USER`).
    public var user: String
    /// The service (`PAM_SERVICE`).
    public var service: String
    /// Where the person comes from (`PAM_RHOST`); empty where the service does not say.
    public var source: String
    /// The terminal (`PAM_TTY`).
    public var terminal: String
    /// The password (`PAM_AUTHTOK`).
    public var password: Secret<[UInt8]>

    /// Makes an attempt.
    public init(user: String, service: String, source: String, terminal: String, password: Secret<[UInt8]>) {
        self.user = user
        self.service = service
        self.source = source
        self.terminal = terminal
        self.password = password
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.user)
        hasher.combine(self.service)
    }
}

/// A question from one of the modules, or from `sally-agent status`, to the agent on the same machine.
public enum LocalRequest: Hashable, Sendable {
    /// The account with this name; anybody may ask.
    case account(name: String)
    /// The account with this number; anybody may ask.
    case accountByNumber(UInt32)
    /// The group with this name; anybody may ask.
    case group(name: String)
    /// The group with this number; anybody may ask.
    case groupByNumber(UInt32)
    /// The groups of the account with this name; anybody may ask.
    case memberships(name: String)
    /// May this person enter? From PAM's account step.
    case mayEnter(EntryAttempt)
    /// A session begins. From PAM.
    case sessionOpened(EntryAttempt)
    /// A session is over. From PAM.
    case sessionClosed(EntryAttempt)
    /// Is this the one-time password of a desktop? From PAM's authentication step.
    case signIn(SignInAttempt)
    /// A report for a person, as JSON.
    case status
}

/// What PAM knows about somebody at the door.
public struct EntryAttempt: Hashable, Sendable {
    /// The name as typed (`PAM_USER`).
    public var user: String
    /// The service (`PAM_SERVICE`).
    public var service: String
    /// Where the person comes from (`PAM_RHOST`).
    public var source: String
    /// The terminal (`PAM_TTY`), which sshd calls `ssh`.
    public var terminal: String
    /// How the person has authenticated: what sshd says (`SSH_AUTH_INFO_0`), empty in its account step; for a desktop the visit's name.
    public var authentication: String

    /// Makes an attempt.
    public init(user: String, service: String, source: String, terminal: String, authentication: String) {
        self.user = user
        self.service = service
        self.source = source
        self.terminal = terminal
        self.authentication = authentication
    }
}

extension LocalRequest {
    /// Whether only root may ask this.
    public var isForRootOnly: Bool {
        switch self {
        case .account, .accountByNumber, .group, .groupByNumber, .memberships: false
        case .mayEnter, .sessionOpened, .sessionClosed, .signIn, .status: true
        }
    }

    /// The whole frame.
    public func encoded() throws(AgentWireError) -> [UInt8] {
        var fields = FieldWriter()
        let kind: UInt8
        switch self {
        case .account(let name):
            kind = 1
            try fields.write(name)
        case .accountByNumber(let number):
            kind = 2
            fields.write(number)
        case .group(let name):
            kind = 3
            try fields.write(name)
        case .groupByNumber(let number):
            kind = 4
            fields.write(number)
        case .memberships(let name):
            kind = 5
            try fields.write(name)
        case .mayEnter(let attempt):
            kind = 11
            try fields.write(attempt)
        case .sessionOpened(let attempt):
            kind = 12
            try fields.write(attempt)
        case .sessionClosed(let attempt):
            kind = 13
            try fields.write(attempt)
        case .signIn(let attempt):
            kind = 14
            try fields.write(attempt.user)
            try fields.write(attempt.service)
            try fields.write(attempt.source)
            try fields.write(attempt.terminal)
            try fields.write(secret: attempt.password)
        case .status: kind = 20
        }
        return try LocalFrame.wrap(kind, limit: LocalFrame.longestRequest, fields)
    }

    /// Reads a frame without its length.
    public static func decode(_ content: [UInt8]) throws(AgentWireError) -> LocalRequest {
        var (kind, fields) = try LocalFrame.open(content)
        let request: LocalRequest
        switch kind {
        case 1: request = .account(name: try fields.text())
        case 2: request = .accountByNumber(try fields.word())
        case 3: request = .group(name: try fields.text())
        case 4: request = .groupByNumber(try fields.word())
        case 5: request = .memberships(name: try fields.text())
        case 11: request = .mayEnter(try fields.attempt())
        case 12: request = .sessionOpened(try fields.attempt())
        case 13: request = .sessionClosed(try fields.attempt())
        case 14:
            request = .signIn(
                SignInAttempt(
                    user: try fields.text(),
                    service: try fields.text(),
                    source: try fields.text(),
                    terminal: try fields.text(),
                    password: try fields.secret()
                )
            )
        case 20: request = .status
        default: throw .unknownKind(kind)
        }
        try fields.finish()
        return request
    }
}

extension FieldWriter {
    fileprivate mutating func write(_ attempt: EntryAttempt) throws(AgentWireError) {
        try self.write(attempt.user)
        try self.write(attempt.service)
        try self.write(attempt.source)
        try self.write(attempt.terminal)
        try self.write(attempt.authentication)
    }
}

extension FieldReader {
    fileprivate mutating func attempt() throws(AgentWireError) -> EntryAttempt {
        EntryAttempt(
            user: try self.text(),
            service: try self.text(),
            source: try self.text(),
            terminal: try self.text(),
            authentication: try self.text()
        )
    }
}

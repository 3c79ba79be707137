// The PAM module: the account step asks the agent whether this person may enter, the session steps tell it who is in; where desktops are
// signed in to, the authentication step asks whether the password is the one-time one. Names that are not of our shape pass untouched.

/// How long a decision may take, in seconds: the agent itself asks the server and gives up before that.
private var patience: Int { 8 }

@_cdecl("pam_sm_acct_mgmt")
public func mayEnter(
    _ handle: OpaquePointer,
    _ flags: Int32,
    _ count: Int32,
    _ arguments: UnsafePointer<UnsafePointer<CChar>?>?
) -> Int32 {
    guard isOurs(sallyport_item(handle, PAM_USER)) else { return PAM_IGNORE }
    return withAnswer(handle, Question.mayEnter) { kind, fields in
        switch kind {
        case Answer.allowed: return PAM_SUCCESS
        case Answer.notFound: return PAM_IGNORE
        case Answer.refused:
            var fields = fields
            if let reason = fields.text() { sallyport_tell(handle, reason) }
            return PAM_PERM_DENIED
        default: return agentIsAway(handle)
        }
    }
}

@_cdecl("pam_sm_open_session")
public func sessionOpened(
    _ handle: OpaquePointer,
    _ flags: Int32,
    _ count: Int32,
    _ arguments: UnsafePointer<UnsafePointer<CChar>?>?
) -> Int32 {
    guard isOurs(sallyport_item(handle, PAM_USER)) else { return PAM_IGNORE }
    return withAnswer(handle, Question.sessionOpened) { kind, fields in
        switch kind {
        case Answer.opened:
            var fields = fields
            guard let session = fields.text() else { return agentIsAway(handle) }
            _ = withName("SALLYPORT_VISIT") { pam_putenv(handle, $0) }
            return remember(handle, "SALLYPORT_SESSION=", session) ? PAM_SUCCESS : PAM_SESSION_ERR
        case Answer.notFound: return PAM_IGNORE
        case Answer.refused:
            var fields = fields
            if let reason = fields.text() { sallyport_tell(handle, reason) }
            return PAM_SESSION_ERR
        default: return agentIsAway(handle)
        }
    }
}

@_cdecl("pam_sm_close_session")
public func sessionClosed(
    _ handle: OpaquePointer,
    _ flags: Int32,
    _ count: Int32,
    _ arguments: UnsafePointer<UnsafePointer<CChar>?>?
) -> Int32 {
    guard isOurs(sallyport_item(handle, PAM_USER)) else { return PAM_IGNORE }
    // An agent that is away finds out by itself that the session's processes are gone.
    _ = withAnswer(handle, Question.sessionClosed, quietly: true) { _, _ in PAM_SUCCESS }
    return PAM_SUCCESS
}

@_cdecl("pam_sm_authenticate")
public func authenticate(
    _ handle: OpaquePointer,
    _ flags: Int32,
    _ count: Int32,
    _ arguments: UnsafePointer<UnsafePointer<CChar>?>?
) -> Int32 {
    // Whoever is not ours is not even asked for a password here; the modules behind do that, and take one that we asked for.
    guard isOurs(sallyport_item(handle, PAM_USER)) else { return PAM_IGNORE }
    guard let password = sallyport_password(handle) else { return PAM_AUTHINFO_UNAVAIL }
    return withAnswer(handle, Question.signIn, last: password, quietly: true) { kind, fields in
        switch kind {
        case Answer.admitted:
            var fields = fields
            guard let visit = fields.text() else { return PAM_AUTHINFO_UNAVAIL }
            return remember(handle, "SALLYPORT_VISIT=", visit) ? PAM_SUCCESS : PAM_AUTHINFO_UNAVAIL
        case Answer.refused: return PAM_AUTH_ERR
        case Answer.notFound: return PAM_IGNORE
        default: return PAM_AUTHINFO_UNAVAIL
        }
    }
}

@_cdecl("pam_sm_setcred")
public func setCredentials(
    _ handle: OpaquePointer,
    _ flags: Int32,
    _ count: Int32,
    _ arguments: UnsafePointer<UnsafePointer<CChar>?>?
) -> Int32 {
    // Where this module has ended the authentication step it ends this one too: those behind were not run, and libpam would stop at them.
    isOurs(sallyport_item(handle, PAM_USER)) ? PAM_SUCCESS : PAM_IGNORE
}

/// Sends what PAM knows about the person and gives the answer to `body`. The last field says how the person has authenticated, unless it is given.
@inline(__always)
private func withAnswer(
    _ handle: OpaquePointer,
    _ question: UInt8,
    last: UnsafePointer<CChar>? = nil,
    quietly: Bool = false,
    _ body: (UInt8, Fields) -> Int32
) -> Int32 {
    guard let connection = AgentConnection(promptness: patience * 1000, patience: patience) else {
        return quietly ? PAM_AUTHINFO_UNAVAIL : agentIsAway(handle)
    }
    defer { connection.close() }
    var room = Room()
    let result: Int32? = withUnsafeMutableBytes(of: &room) { bytes in
        guard let base = bytes.baseAddress, ask(handle, question, last ?? authentication(handle), connection),
            case .received(let kind, let count) = connection.receive(into: base, bytes.count)
        else { return nil }
        return body(kind, Fields(base, count))
    }
    return result ?? (quietly ? PAM_AUTHINFO_UNAVAIL : agentIsAway(handle))
}

/// What sshd says of how the person came, else the name of the visit that the authentication step got.
private func authentication(_ handle: OpaquePointer) -> UnsafePointer<CChar>? {
    let said = withName("SSH_AUTH_INFO_0") { sallyport_variable(handle, $0) }
    guard let said, said[0] == 0 else { return said }
    return withName("SALLYPORT_VISIT") { sallyport_variable(handle, $0) }
}

private func ask(
    _ handle: OpaquePointer,
    _ question: UInt8,
    _ authentication: UnsafePointer<CChar>?,
    _ connection: AgentConnection
) -> Bool {
    let user = sallyport_item(handle, PAM_USER)
    let service = sallyport_item(handle, PAM_SERVICE)
    let source = sallyport_item(handle, PAM_RHOST)
    let terminal = sallyport_item(handle, PAM_TTY)
    guard let user, let service, let source, let terminal, let authentication else { return false }
    return connection.ask(question, about: user, service, source, terminal, authentication)
}

/// Puts a value into the transaction's environment: the session's name for its processes to inherit, the visit's for the steps behind.
private func remember(_ handle: OpaquePointer, _ name: StaticString, _ value: UnsafePointer<CChar>) -> Bool {
    var room = Room()
    return withUnsafeMutableBytes(of: &room) { bytes in
        let count = strlen(value)
        guard let base = bytes.baseAddress, count < 64 else { return false }
        name.withUTF8Buffer { text in
            if let start = text.baseAddress { memcpy(base, start, text.count) }
        }
        memcpy(base + name.utf8CodeUnitCount, value, count + 1)
        return pam_putenv(handle, base.assumingMemoryBound(to: CChar.self)) == PAM_SUCCESS
    }
}

private func agentIsAway(_ handle: OpaquePointer) -> Int32 {
    withName(
        "Sallyport: the agent on this machine does not answer. Ask an administrator of the machine to start sally-agent."
    ) {
        sallyport_tell(handle, $0)
    }
    return PAM_AUTHINFO_UNAVAIL
}

/// Lends a fixed text, which the compiler ends with a zero byte, as a C string.
@inline(__always)
private func withName<Result>(_ text: StaticString, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    body(UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self))
}

/// Two kilobytes on the stack: more than the longest refusal.
private struct Room {
    typealias Line = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
    typealias Block = (Line, Line, Line, Line, Line, Line, Line, Line)
    var blocks: (Block, Block, Block, Block)

    init() {
        let line: Line = (0, 0, 0, 0, 0, 0, 0, 0)
        let block: Block = (line, line, line, line, line, line, line, line)
        self.blocks = (block, block, block, block)
    }
}

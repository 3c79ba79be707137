// The PAM module: the account step asks the agent whether this person may enter, the session steps tell it who is in. Names that are not of
// our shape pass untouched.

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
            return remember(handle, session)
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
    PAM_IGNORE
}

@_cdecl("pam_sm_setcred")
public func setCredentials(
    _ handle: OpaquePointer,
    _ flags: Int32,
    _ count: Int32,
    _ arguments: UnsafePointer<UnsafePointer<CChar>?>?
) -> Int32 {
    PAM_IGNORE
}

/// Sends what PAM knows about the person and gives the answer to `body`.
@inline(__always)
private func withAnswer(
    _ handle: OpaquePointer,
    _ question: UInt8,
    quietly: Bool = false,
    _ body: (UInt8, Fields) -> Int32
) -> Int32 {
    guard let connection = AgentConnection(promptness: patience * 1000, patience: patience) else {
        return quietly ? PAM_AUTHINFO_UNAVAIL : agentIsAway(handle)
    }
    defer { connection.close() }
    var room = Room()
    let result: Int32? = withUnsafeMutableBytes(of: &room) { bytes in
        guard let base = bytes.baseAddress, ask(handle, question, connection),
            case .received(let kind, let count) = connection.receive(into: base, bytes.count)
        else { return nil }
        return body(kind, Fields(base, count))
    }
    return result ?? (quietly ? PAM_AUTHINFO_UNAVAIL : agentIsAway(handle))
}

private func ask(_ handle: OpaquePointer, _ question: UInt8, _ connection: AgentConnection) -> Bool {
    let user = sallyport_item(handle, PAM_USER)
    let service = sallyport_item(handle, PAM_SERVICE)
    let source = sallyport_item(handle, PAM_RHOST)
    let terminal = sallyport_item(handle, PAM_TTY)
    let authentication = withName("SSH_AUTH_INFO_0") { sallyport_variable(handle, $0) }
    guard let user, let service, let source, let terminal, let authentication else { return false }
    let lengths = (
        strlen(user), strlen(service), strlen(source), strlen(terminal), strlen(authentication)
    )
    let longest = max(lengths.0, max(lengths.1, max(lengths.2, max(lengths.3, lengths.4))))
    guard longest <= longestText else { return false }
    return connection.head(question, fields: lengths.0 + lengths.1 + lengths.2 + lengths.3 + lengths.4 + 15)
        && connection.send(text: user, lengths.0) && connection.send(text: service, lengths.1)
        && connection.send(text: source, lengths.2) && connection.send(text: terminal, lengths.3)
        && connection.send(text: authentication, lengths.4)
}

/// Puts the session's name into its environment, where its processes inherit it.
private func remember(_ handle: OpaquePointer, _ session: UnsafePointer<CChar>) -> Int32 {
    var room = Room()
    return withUnsafeMutableBytes(of: &room) { bytes in
        let name: StaticString = "SALLYPORT_SESSION="
        let count = strlen(session)
        guard let base = bytes.baseAddress, count < 64 else { return PAM_SESSION_ERR }
        name.withUTF8Buffer { text in
            if let start = text.baseAddress { memcpy(base, start, text.count) }
        }
        memcpy(base + name.utf8CodeUnitCount, session, count + 1)
        return pam_putenv(handle, base.assumingMemoryBound(to: CChar.self))
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

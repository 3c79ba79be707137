// The command that sshd asks who may use an account: arguments are the account's name and what the certificate says (key id, serial number,
// fingerprint of its signer); it prints one principal a line. Whatever goes wrong, it prints nothing, and sshd refuses.

@_cdecl("main")
public func main(_ count: Int32, _ arguments: UnsafePointer<UnsafePointer<CChar>?>) -> Int32 {
    guard count == 5, let user = arguments[1], let keyID = arguments[2], let serial = arguments[3],
        let authority = arguments[4], isOurs(user)
    else { return 0 }
    guard max(max(strlen(user), strlen(keyID)), max(strlen(serial), strlen(authority))) <= 4096 else { return 0 }
    guard let connection = AgentConnection(promptness: 5000, patience: 5) else { return printKnown(user) }
    defer { connection.close() }
    guard connection.ask(Question.principals, about: user, keyID, serial, authority)
    else { return printKnown(user) }
    var room: (Line, Line, Line, Line, Line, Line, Line, Line) = (
        line, line, line, line, line, line, line, line
    )
    return withUnsafeMutableBytes(of: &room) { bytes in
        guard let base = bytes.baseAddress else { return 0 }
        let reply = connection.receive(into: base, bytes.count)
        // An agent that hangs is as good as away; one that answers anything else has said no.
        if case .failed = reply { return printKnown(user) }
        guard case .received(let kind, let size) = reply, kind == Answer.principals else { return 0 }
        var fields = Fields(base, size)
        guard var left = fields.short() else { return 0 }
        while left > 0, let principal = fields.text() {
            let length = strlen(principal)
            // The zero byte behind the text becomes the line's end.
            principal[length] = 0x0a
            guard write(1, principal, length + 1) == length + 1 else { return 1 }
            left -= 1
        }
        return 0
    }
}

/// Prints the object id that the snapshot knows for an account while the agent is away. That opens nothing: PAM's account step then refuses, and
/// can tell the person why, which this program cannot.
private func printKnown(_ user: UnsafePointer<CChar>) -> Int32 {
    withSnapshot({ $0.isNamed(user) }, missing: 0, away: 1) { record in
        guard let objectID = record.objectID else { return 0 }
        let length = strlen(objectID)
        var end: UInt8 = 0x0a
        return write(1, objectID, length) == length && write(1, &end, 1) == 1 ? 0 : 1
    }
}

private typealias Line = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
private var line: Line { (0, 0, 0, 0, 0, 0, 0, 0) }

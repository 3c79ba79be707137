import FoundationEssentials
public import Vocabulary

/// A message from the server to an agent on the control channel: one JSON object in one text frame.
public enum ServerMessage: Hashable, Sendable {
    /// How the host is to serve its people.
    case configuration(HostConfiguration)
    /// Something to do; answered with `taskEnded`.
    case task(HostTask)
    /// Everybody who may log in here now; replaces the earlier list.
    case accounts([HostAccount])
    /// End sessions.
    case end(EndOrder)
    /// Make a credential for a desktop; answered with `AgentMessage.desktop`. An agent that does not know this kind says nothing.
    case prepareDesktop(DesktopOrder)
    /// The sign-in that this wish was for is over, so the credential is needed no more.
    case desktopSettled(request: GUID)
    /// The answer to the agent's message with this id; the whole object.
    case reply(id: Int64, JSONValue)
    /// The agent's message with this id could not be served.
    case failure(id: Int64, code: String, message: String)
    /// A kind that this version does not know, to be ignored.
    case unknown(kind: String)
}

/// A message from an agent to the server; those with an id want an answer.
public enum AgentMessage: Hashable, Sendable {
    /// Who has this name? Answered with a `LookupAnswer`.
    case lookup(name: String)
    /// May this person enter? Answered with an `EntryDecision`.
    case decide(EntryQuestion)
    /// What the server gave to do has ended.
    case taskEnded(HostTaskResult)
    /// A session has begun.
    case sessionOpened(SessionReport)
    /// A session is over.
    case sessionClosed(session: GUID, reason: String)
    /// How the host is.
    case status(HostStatus)
    /// The answer to the server's wish for a credential.
    case desktop(DesktopAnswer)
}

extension ServerMessage {
    /// Reads one text frame.
    public static func decode(_ text: some Sequence<UInt8>) throws(AgentWireError) -> ServerMessage {
        let document = try ControlObject.parse(text)
        switch document["kind"]?.string ?? "" {
        case "configuration": return .configuration(try ControlObject.decode(document))
        case "task": return .task(try ControlObject.decode(document["task"] ?? [:]))
        case "accounts":
            let list: AccountList = try ControlObject.decode(document)
            return .accounts(list.accounts)
        case "end": return .end(try ControlObject.decode(document))
        case "prepareDesktop": return .prepareDesktop(try ControlObject.decode(document))
        case "desktopSettled":
            guard let request = document["request"]?.string.flatMap({ GUID($0) }) else {
                throw .badControlMessage("a settled desktop without its request")
            }
            return .desktopSettled(request: request)
        case "reply":
            guard let id = document["id"]?.integer else { throw .badControlMessage("a reply without id") }
            return .reply(id: id, document)
        case "error":
            guard let id = document["id"]?.integer else { throw .badControlMessage("an error without id") }
            return .failure(
                id: id,
                code: document["code"]?.string ?? "",
                message: document["message"]?.string ?? ""
            )
        case let kind: return .unknown(kind: kind)
        }
    }

    /// Writes one text frame.
    public func encoded() throws(AgentWireError) -> [UInt8] {
        switch self {
        case .configuration(let value): try ControlObject.encode("configuration", value)
        case .task(let task): try ControlObject.encode("task", ["task": task])
        case .accounts(let accounts): try ControlObject.encode("accounts", AccountList(accounts: accounts))
        case .end(let order): try ControlObject.encode("end", order)
        case .prepareDesktop(let order): try ControlObject.encode("prepareDesktop", order)
        case .desktopSettled(let request):
            try ControlObject.encode("desktopSettled", ["request": request.description])
        case .reply(let id, let content): try ControlObject.encode("reply", content, id: id)
        case .failure(let id, let code, let message):
            try ControlObject.encode("error", ["code": JSONValue.string(code), "message": .string(message)], id: id)
        case .unknown(let kind): try ControlObject.encode(kind, [:] as [String: JSONValue])
        }
    }
}

extension AgentMessage {
    /// Reads one text frame, with the id that the agent wants in the answer.
    public static func decode(
        _ text: some Sequence<UInt8>
    ) throws(AgentWireError) -> (id: Int64?, message: AgentMessage) {
        let document = try ControlObject.parse(text)
        let id = document["id"]?.integer
        switch document["kind"]?.string ?? "" {
        case "lookup":
            guard let name = document["name"]?.string else { throw .badControlMessage("a lookup without name") }
            return (id, .lookup(name: name))
        case "decide": return (id, .decide(try ControlObject.decode(document)))
        case "taskEnded": return (id, .taskEnded(try ControlObject.decode(document["result"] ?? [:])))
        case "sessionOpened": return (id, .sessionOpened(try ControlObject.decode(document)))
        case "sessionClosed":
            guard let session = document["session"]?.string.flatMap({ GUID($0) }) else {
                throw .badControlMessage("a closed session without its name")
            }
            return (id, .sessionClosed(session: session, reason: document["reason"]?.string ?? ""))
        case "status": return (id, .status(try ControlObject.decode(document)))
        case "desktop": return (id, .desktop(try ControlObject.decode(document)))
        case let kind: throw .badControlMessage("kind \(kind)")
        }
    }

    /// Writes one text frame.
    public func encoded(id: Int64? = nil) throws(AgentWireError) -> [UInt8] {
        switch self {
        case .lookup(let name): try ControlObject.encode("lookup", ["name": name], id: id)
        case .decide(let question): try ControlObject.encode("decide", question, id: id)
        case .taskEnded(let result): try ControlObject.encode("taskEnded", ["result": result], id: id)
        case .sessionOpened(let report): try ControlObject.encode("sessionOpened", report, id: id)
        case .sessionClosed(let session, let reason):
            try ControlObject.encode("sessionClosed", ["session": session.description, "reason": reason], id: id)
        case .status(let status): try ControlObject.encode("status", status, id: id)
        case .desktop(let answer): try ControlObject.encode("desktop", answer, id: id)
        }
    }
}

/// The body of an `accounts` message.
private struct AccountList: Codable {
    var accounts: [HostAccount]
}

/// The members of a control message's object, besides `kind` and `id`.
public enum ControlObject {
    /// The longest text frame that either side accepts: an account list of some ten thousand people.
    public static let longestFrame = 4 << 20

    static func parse(_ text: some Sequence<UInt8>) throws(AgentWireError) -> JSONValue {
        do {
            let document = try JSONValue(parsing: text)
            guard document.object != nil else { throw AgentWireError.badControlMessage("not an object") }
            return document
        } catch {
            throw .badControlMessage("\(error)")
        }
    }

    /// Turns a message's object into one of the shapes of this module.
    public static func decode<Shape: Decodable>(_ document: JSONValue) throws(AgentWireError) -> Shape {
        do {
            return try JSONDecoder().decode(Shape.self, from: Data(document.bytes))
        } catch {
            throw .badControlMessage("\(error)")
        }
    }

    static func encode(_ kind: String, _ content: some Encodable, id: Int64? = nil) throws(AgentWireError) -> [UInt8] {
        do {
            var document = try JSONValue(parsing: JSONText.encode(content))
            document["kind"] = .string(kind)
            if let id { document["id"] = .integer(id) }
            return document.bytes
        } catch {
            throw .badControlMessage("\(error)")
        }
    }
}

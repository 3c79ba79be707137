/// The agent's answer to a local request.
public enum LocalReply: Hashable, Sendable {
    /// An account.
    case account(LocalAccount)
    /// A group and as many of its members as fit.
    case group(LocalGroup)
    /// The groups of an account besides its own.
    case memberships([UInt32])
    /// The person may enter.
    case allowed
    /// The session is known from now on, by this name.
    case opened(session: String)
    /// The password was the right one; the later steps of this sign-in show the visit's name.
    case admitted(visit: String)
    /// A report, as JSON.
    case report(String)
    /// There is no such thing, or it is not ours.
    case notFound
    /// No, and this is what the person is to read.
    case refused(String)
    /// The agent cannot say at present.
    case unavailable
}

/// A line of the account data base, as C libraries want it.
public struct LocalAccount: Hashable, Sendable {
    /// The canonical name.
    public var name: String
    /// The user number.
    public var uid: UInt32
    /// The number of the primary group.
    public var gid: UInt32
    /// The comment field: the name that people read.
    public var comment: String
    /// The home directory.
    public var home: String
    /// The login shell.
    public var shell: String

    /// Makes a line.
    public init(name: String, uid: UInt32, gid: UInt32, comment: String, home: String, shell: String) {
        self.name = name
        self.uid = uid
        self.gid = gid
        self.comment = comment
        self.home = home
        self.shell = shell
    }
}

/// A line of the group data base.
public struct LocalGroup: Hashable, Sendable {
    /// The name.
    public var name: String
    /// The number.
    public var gid: UInt32
    /// Names of members.
    public var members: [String]

    /// Makes a line.
    public init(name: String, gid: UInt32, members: [String]) {
        self.name = name
        self.gid = gid
        self.members = members
    }
}

extension LocalReply {
    /// The whole frame.
    public func encoded() throws(AgentWireError) -> [UInt8] {
        var fields = FieldWriter()
        let kind: UInt8
        switch self {
        case .notFound: kind = 0
        case .unavailable: kind = 1
        case .refused(let sentence):
            kind = 2
            try fields.write(sentence)
        case .allowed: kind = 3
        case .account(let account):
            kind = 4
            fields.write(account.uid)
            fields.write(account.gid)
            try fields.write(account.name)
            try fields.write(account.comment)
            try fields.write(account.home)
            try fields.write(account.shell)
        case .group(let group):
            kind = 5
            fields.write(group.gid)
            try fields.write(group.name)
            try fields.write(group.members)
        case .memberships(let groups):
            kind = 6
            fields.write(UInt16(clamping: groups.count))
            for group in groups.prefix(Int(UInt16.max)) {
                fields.write(group)
            }
        case .opened(let session):
            kind = 8
            try fields.write(session)
        case .report(let text):
            kind = 9
            try fields.write(text)
        case .admitted(let visit):
            kind = 10
            try fields.write(visit)
        }
        return try LocalFrame.wrap(kind, limit: LocalFrame.longestReply, fields)
    }

    /// Reads a frame without its length.
    public static func decode(_ content: [UInt8]) throws(AgentWireError) -> LocalReply {
        var (kind, fields) = try LocalFrame.open(content)
        let reply: LocalReply
        switch kind {
        case 0: reply = .notFound
        case 1: reply = .unavailable
        case 2: reply = .refused(try fields.text())
        case 3: reply = .allowed
        case 4:
            let uid = try fields.word()
            let gid = try fields.word()
            reply = .account(
                LocalAccount(
                    name: try fields.text(),
                    uid: uid,
                    gid: gid,
                    comment: try fields.text(),
                    home: try fields.text(),
                    shell: try fields.text()
                )
            )
        case 5:
            let gid = try fields.word()
            reply = .group(LocalGroup(name: try fields.text(), gid: gid, members: try fields.texts()))
        case 6:
            var groups: [UInt32] = []
            for _ in 0..<(try fields.short()) {
                groups.append(try fields.word())
            }
            reply = .memberships(groups)
        case 8: reply = .opened(session: try fields.text())
        case 9: reply = .report(try fields.text())
        case 10: reply = .admitted(visit: try fields.text())
        default: throw .unknownKind(kind)
        }
        try fields.finish()
        return reply
    }
}

extension FieldWriter {
    fileprivate mutating func write(_ texts: [String]) throws(AgentWireError) {
        guard texts.count <= Int(UInt16.max) else { throw .tooLong }
        self.write(UInt16(texts.count))
        for text in texts {
            try self.write(text)
        }
    }
}

extension FieldReader {
    fileprivate mutating func texts() throws(AgentWireError) -> [String] {
        var texts: [String] = []
        for _ in 0..<(try self.short()) {
            texts.append(try self.text())
        }
        return texts
    }
}

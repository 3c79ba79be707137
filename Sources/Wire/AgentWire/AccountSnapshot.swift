/// The file that the name service module reads when the agent is away: everybody known, in a form that needs no parsing.
///
/// Eight bytes of mark, a number of records, then records: length, uid, flags, the fields of an account, and the aliases. A reader walks
/// from record to record by their lengths. The file is public, owned by root, and replaced as a whole.
public struct AccountSnapshot: Hashable, Sendable {
    /// One person.
    public struct Entry: Hashable, Sendable {
        /// The account.
        public var account: LocalAccount
        /// Whether the person may log in, and so is in the group of users.
        public var mayEnter: Bool
        /// Whether the person is in the group of administrators.
        public var isAdministrator: Bool
        /// Other names that find this account, normalised.
        public var aliases: [String]

        /// Makes an entry.
        public init(account: LocalAccount, mayEnter: Bool, isAdministrator: Bool, aliases: [String]) {
            self.account = account
            self.mayEnter = mayEnter
            self.isAdministrator = isAdministrator
            self.aliases = aliases
        }
    }

    /// The first bytes of the file.
    static let mark = Array("SALLYNS1".utf8)

    /// Everybody in the file.
    public var entries: [Entry]

    /// Makes a snapshot.
    public init(entries: [Entry]) {
        self.entries = entries
    }

    /// The file's bytes.
    public func encoded() throws(AgentWireError) -> [UInt8] {
        var file = FieldWriter()
        file.write(UInt32(self.entries.count))
        var body = file.bytes
        for entry in self.entries {
            var record = FieldWriter()
            record.write(entry.account.uid)
            record.write(UInt8((entry.mayEnter ? 1 : 0) | (entry.isAdministrator ? 2 : 0)))
            try record.write(entry.account.name)
            try record.write(entry.account.comment)
            try record.write(entry.account.home)
            try record.write(entry.account.shell)
            record.write(UInt16(clamping: entry.aliases.count))
            for alias in entry.aliases.prefix(Int(UInt16.max)) {
                try record.write(alias)
            }
            var length = FieldWriter()
            length.write(UInt32(record.bytes.count))
            body += length.bytes
            body += record.bytes
        }
        return Self.mark + body
    }

    /// Reads a file's bytes.
    public static func decode(_ bytes: [UInt8]) throws(AgentWireError) -> AccountSnapshot {
        guard bytes.starts(with: Self.mark) else { throw .notASnapshot }
        var reader = FieldReader(bytes, from: Self.mark.count)
        var entries: [Entry] = []
        for _ in 0..<(try reader.word()) {
            let length = Int(try reader.word())
            let before = reader.remaining
            let uid = try reader.word()
            let flags = try reader.byte()
            let account = LocalAccount(
                name: try reader.text(),
                uid: uid,
                gid: uid,
                comment: try reader.text(),
                home: try reader.text(),
                shell: try reader.text()
            )
            var aliases: [String] = []
            for _ in 0..<(try reader.short()) {
                aliases.append(try reader.text())
            }
            guard before - reader.remaining == length else { throw .truncated }
            entries.append(
                Entry(
                    account: account,
                    mayEnter: flags & 1 != 0,
                    isAdministrator: flags & 2 != 0,
                    aliases: aliases
                )
            )
        }
        try reader.finish()
        return AccountSnapshot(entries: entries)
    }
}

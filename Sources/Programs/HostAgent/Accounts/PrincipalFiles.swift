import AgentWire
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Whose certificates open an account, where sshd reads it: for each person a file with the object id, named after the account's number, and a link
/// to it named after the account, for an OpenSSH that knows no numbers there. Source: sshd_config(5), AuthorizedPrincipalsFile.
///
/// The object id alone, because a user principal name can be given to somebody else; and the number, because sshd has looked the name up when it
/// comes here: who is given a name in that moment gets into no account that is another's (X47). That a file is there opens nothing: whether the
/// person may enter is asked at each login.
struct PrincipalFiles: Sendable {
    private enum Content: Hashable {
        case objectId(GUID)
        case link(to: UInt32)
    }

    private let directory: String
    /// What is in the directory; nil for what an earlier agent left.
    private var written: [String: Content?]?

    init(directory: String) {
        self.directory = directory
    }

    /// Brings the files to what the book says.
    mutating func update(_ book: borrowing AccountBook) throws(HostAgentError) {
        try HostFile.makeDirectory(self.directory, mode: 0o755)
        var written = self.written ?? [:]
        if self.written == nil {
            for name in HostFile.names(in: self.directory) { written[name] = .some(nil) }
        }
        defer { self.written = written }
        let wanted = Self.contents(for: book)
        for name in Array(written.keys) where wanted[name] == nil {
            try HostFile.remove("\(self.directory)/\(name)")
            written[name] = nil
        }
        for (name, content) in wanted where written[name] != .some(content) {
            try self.write(name, content)
            written[name] = content
        }
    }

    private static func contents(for book: borrowing AccountBook) -> [String: Content] {
        var contents: [String: Content] = [:]
        for person in book.people.values {
            contents[String(person.account.uid)] = .objectId(person.account.objectId)
        }
        for name in book.people.values.map(\.account.name) {
            contents[name] = book.person(named: name).map { .link(to: $0.account.uid) }
        }
        return contents
    }

    private func write(_ name: String, _ content: Content) throws(HostAgentError) {
        let path = "\(self.directory)/\(name)"
        switch content {
        case .objectId(let id):
            // Written again at each start, so it may be lost with the machine's power.
            try HostFile.replace(path, with: Array("\(id)\n".utf8), .root(0o644), durable: false)
        case .link(let number):
            try HostFile.remove(path)
            guard symlink(String(number), path) == 0 else {
                throw .system(call: "symlink", path: path, code: errno)
            }
        }
    }

    /// Takes the directory away.
    static func remove(_ directory: String) throws(HostAgentError) {
        for name in HostFile.names(in: directory) { try HostFile.remove("\(directory)/\(name)") }
        rmdir(directory)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The keys that a local account lets in: `~/.ssh/authorized_keys`.
///
/// The directory belongs to the account, which may be hostile: everything goes through descriptors of directories and follows no link (X53, X60).
struct AuthorizedKeys {
    private static let largest = 1 << 20

    let home: String
    let number: UInt32
    let group: UInt32

    /// Adds lines that are not there yet.
    func add(_ lines: [String]) throws(HostAgentError) {
        let home = open(self.home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard home >= 0 else { throw .system(call: "open", path: self.home, code: errno) }
        defer { close(home) }
        let place = self.home + "/.ssh"
        let isNew = mkdirat(home, ".ssh", 0o700) == 0
        let directory = openat(home, ".ssh", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard directory >= 0 else { throw .system(call: "open", path: place, code: errno) }
        defer { close(directory) }
        // What was opened is a directory: by its name, a second name of root's file could be given away in its stead.
        if isNew { _ = fchown(directory, self.number, self.group) }
        var text = try self.read(in: directory, place)
        let known = Set(text.split(separator: "\n" as Character))
        let new = lines.filter { !known.contains(Substring($0)) }
        guard !new.isEmpty else { return }
        if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
        try self.write(text + new.map { $0 + "\n" }.joined(), in: directory, place)
    }

    private func read(in directory: Int32, _ place: String) throws(HostAgentError) -> String {
        // Not waiting: somebody could have put a pipe there.
        let file = openat(directory, "authorized_keys", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return "" }
            throw .system(call: "open", path: place + "/authorized_keys", code: errno)
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.largest,
            // A second name of somebody else's file would be copied into one that the account may read.
            status.st_nlink == 1
        else {
            throw .configuration("\(place)/authorized_keys is no ordinary file")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let size = bytes.count
        let count = size == 0 ? 0 : HostFile.retrying { systemRead(file, &bytes, size) }
        guard count >= 0 else { throw .system(call: "read", path: place + "/authorized_keys", code: errno) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    private func write(_ text: String, in directory: Int32, _ place: String) throws(HostAgentError) {
        let name = ".authorized_keys.sallyport"
        unlinkat(directory, name, 0)
        let file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system(call: "create", path: place, code: errno) }
        defer { close(file) }
        try HostFile.write(Array(text.utf8), to: file, path: place)
        if geteuid() == 0, fchown(file, self.number, self.group) != 0 {
            throw .system(call: "chown", path: place, code: errno)
        }
        guard renameat(directory, name, directory, "authorized_keys") == 0 else {
            throw .system(call: "rename", path: place, code: errno)
        }
    }
}

// The struct has a `read` of its own, which would hide the system's.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}

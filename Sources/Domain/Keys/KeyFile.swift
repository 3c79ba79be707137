#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A small file that only its owner may read.
enum KeyFile {
    /// Writes a new file with mode 0600; false when there is one already.
    static func create(_ path: String, holding bytes: [UInt8]) throws(KeysError) -> Bool {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else {
            guard errno == EEXIST else { throw KeysError(.unreadable, "cannot create \(path): errno \(errno)") }
            return false
        }
        defer { close(file) }
        guard write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
            unlink(path)
            throw KeysError(.unreadable, "cannot write \(path): errno \(errno)")
        }
        return true
    }

    /// Reads at most 64 bytes of a file that nobody but its owner can open, the owner being this user or root.
    static func read(_ path: String) throws(KeysError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            throw KeysError(errno == ENOENT ? .missing : .unreadable, "cannot open \(path): errno \(errno)")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw KeysError(.unreadable, "\(path) is not a file")
        }
        guard status.st_mode & 0o077 == 0 else { throw KeysError(.exposed, "\(path) must have mode 0600") }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw KeysError(.exposed, "\(path) belongs to user \(status.st_uid)")
        }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = fill(&bytes, from: file)
        guard count >= 0 else { throw KeysError(.unreadable, "cannot read \(path): errno \(errno)") }
        return Array(bytes.prefix(count))
    }
}

// Apart because `read` inside the enum is its own function.
private func fill(_ bytes: inout [UInt8], from file: Int32) -> Int {
    read(file, &bytes, bytes.count)
}

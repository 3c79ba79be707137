import AgentWire

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Makes home directories before a session begins.
///
/// The directory is filled under a temporary name that only root can enter, then given away and renamed: its owner never sees, and cannot
/// interfere with, a half-made one. Every step goes through descriptors of directories, never through a path that a user could exchange (X53, X60).
struct HomeDirectory: Sendable {
    /// What a new directory begins with.
    let skeleton: String
    private static let deepest = 8
    private static let largestFile = 4 << 20

    /// Makes the directory of an account unless something is there.
    func prepare(for account: LocalAccount) throws(HostAgentError) {
        guard HostFile.status(account.home) == nil else { return }
        guard let parent = HostFile.parent(of: account.home) else {
            throw .configuration("the home directory \(account.home) has no place")
        }
        let base = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard base >= 0 else { throw .system(call: "open", path: parent, code: errno) }
        defer { close(base) }
        let name = String(account.home.dropFirst(parent == "/" ? 1 : parent.utf8.count + 1))
        let temporary = ".sallyport-new-\(account.uid)"
        _ = Self.removeTree(temporary, in: base, depth: 0)
        guard mkdirat(base, temporary, 0o700) == 0 else {
            throw .system(call: "mkdir", path: account.home, code: errno)
        }
        do throws(HostAgentError) {
            let home = openat(base, temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard home >= 0 else { throw .system(call: "open", path: account.home, code: errno) }
            defer { close(home) }
            let source = open(self.skeleton, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if source >= 0 {
                defer { close(source) }
                try Self.copyTree(from: source, to: home, account, depth: 0)
            }
            try Self.give(home, to: account, mode: 0o700)
            guard renameat(base, temporary, base, name) == 0 else {
                throw .system(call: "rename", path: account.home, code: errno)
            }
        } catch {
            _ = Self.removeTree(temporary, in: base, depth: 0)
            throw error
        }
    }

    private static func give(_ descriptor: Int32, to account: LocalAccount, mode: UInt32) throws(HostAgentError) {
        if geteuid() == 0, fchown(descriptor, account.uid, account.gid) != 0 {
            throw .system(call: "chown", path: account.home, code: errno)
        }
        guard fchmod(descriptor, mode) == 0 else { throw .system(call: "chmod", path: account.home, code: errno) }
    }

    private static func copyTree(
        from source: Int32,
        to target: Int32,
        _ account: LocalAccount,
        depth: Int
    ) throws(HostAgentError) {
        guard depth < Self.deepest else { return }
        for name in Self.names(in: source) {
            var status = stat()
            guard fstatat(source, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                let from = openat(source, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                guard from >= 0 else { continue }
                defer { close(from) }
                guard mkdirat(target, name, 0o700) == 0 else {
                    throw .system(call: "mkdir", path: name, code: errno)
                }
                let to = openat(target, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                guard to >= 0 else { throw .system(call: "open", path: name, code: errno) }
                defer { close(to) }
                try Self.copyTree(from: from, to: to, account, depth: depth + 1)
                try Self.give(to, to: account, mode: status.st_mode & 0o700)
            case S_IFREG:
                try Self.copyFile(name, from: source, to: target, mode: status.st_mode & 0o700, account)
            case S_IFLNK:
                var text = [CChar](repeating: 0, count: 4097)
                guard readlinkat(source, name, &text, 4096) > 0 else { continue }
                symlinkat(text, target, name)
                if geteuid() == 0 { fchownat(target, name, account.uid, account.gid, AT_SYMLINK_NOFOLLOW) }
            default: continue
            }
        }
    }

    private static func copyFile(
        _ name: String,
        from source: Int32,
        to target: Int32,
        mode: UInt32,
        _ account: LocalAccount
    ) throws(HostAgentError) {
        let from = openat(source, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard from >= 0 else { return }
        defer { close(from) }
        let to = openat(target, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard to >= 0 else { throw .system(call: "create", path: name, code: errno) }
        defer { close(to) }
        var chunk = [UInt8](repeating: 0, count: 32 << 10)
        var total = 0
        while true {
            let count = HostFile.retrying { read(from, &chunk, chunk.count) }
            guard count >= 0 else { throw .system(call: "read", path: name, code: errno) }
            if count == 0 { break }
            total += count
            guard total <= Self.largestFile else { throw .tooLarge(path: name) }
            try HostFile.write(Array(chunk[..<count]), to: to, path: name)
        }
        try Self.give(to, to: account, mode: mode)
    }

    private static func names(in directory: Int32) -> [String] {
        let copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    private static func removeTree(_ name: String, in directory: Int32, depth: Int) -> Bool {
        if unlinkat(directory, name, 0) == 0 { return true }
        guard depth < Self.deepest + 2 else { return false }
        let inside = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard inside >= 0 else { return false }
        for entry in Self.names(in: inside) {
            _ = Self.removeTree(entry, in: inside, depth: depth + 1)
        }
        close(inside)
        return unlinkat(directory, name, AT_REMOVEDIR) == 0
    }
}

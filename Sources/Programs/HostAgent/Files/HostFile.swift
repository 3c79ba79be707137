#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Reading and replacing files of the host, by plain system calls.
///
/// A file is replaced as a whole: a temporary one beside it, flushed, then renamed. Nobody ever reads half of it, and a link that somebody
/// put in its place is replaced, not followed (X53).
enum HostFile {
    /// Owner and permissions of a file.
    struct Attributes: Hashable, Sendable, Codable {
        var mode: UInt32
        var uid: UInt32
        var gid: UInt32

        /// A file of root's with these permissions.
        static func root(_ mode: UInt32) -> Attributes {
            Attributes(mode: mode, uid: 0, gid: 0)
        }
    }

    /// What lies at a path, without following a last link; nil when there is nothing.
    static func status(_ path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    /// Whether there is something at a path.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0
    }

    /// Owner and permissions of what lies at a path, following links; nil when there is nothing.
    static func attributes(_ path: String) -> Attributes? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Attributes(mode: status.st_mode & 0o7777, uid: status.st_uid, gid: status.st_gid)
    }

    /// The whole of a file; nil when there is none.
    static func read(_ path: String, limit: Int = 8 << 20) throws(HostAgentError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .system(call: "open", path: path, code: errno)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 32 << 10)
        while true {
            let count = Self.retrying { systemRead(descriptor, &chunk, chunk.count) }
            guard count >= 0 else { throw .system(call: "read", path: path, code: errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= limit else { throw .tooLarge(path: path) }
        }
    }

    /// The whole of a file as text; nil when there is none or it cannot be read.
    static func text(_ path: String) -> String? {
        (try? self.read(path)).flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Puts a file in place as a whole. One that may be lost with the machine's power need not be `durable`.
    static func replace(
        _ path: String,
        with bytes: [UInt8],
        _ attributes: Attributes,
        durable: Bool = true
    ) throws(HostAgentError) {
        let temporary = "\(path).sallyport-new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(call: "create", path: temporary, code: errno) }
        var failure: HostAgentError?
        do throws(HostAgentError) {
            try self.write(bytes, to: descriptor, path: temporary)
            // Only root can give files away; in tests everything belongs to whoever runs them.
            if geteuid() == 0, fchown(descriptor, attributes.uid, attributes.gid) != 0 {
                throw .system(call: "chown", path: temporary, code: errno)
            }
            if fchmod(descriptor, attributes.mode) != 0 {
                throw .system(call: "chmod", path: temporary, code: errno)
            }
            if durable, fsync(descriptor) != 0 { throw .system(call: "fsync", path: temporary, code: errno) }
            if rename(temporary, path) != 0 { throw .system(call: "rename", path: path, code: errno) }
        } catch {
            failure = error
            unlink(temporary)
        }
        close(descriptor)
        if let failure { throw failure }
    }

    /// Removes a file; nothing there is as good.
    static func remove(_ path: String) throws(HostAgentError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw .system(call: "unlink", path: path, code: errno) }
    }

    /// Makes a directory and those above it; one that exists keeps its permissions.
    static func makeDirectory(_ path: String, mode: UInt32) throws(HostAgentError) {
        guard !self.exists(path) else { return }
        if let parent = Self.parent(of: path), parent != "/", !self.exists(parent) {
            try self.makeDirectory(parent, mode: 0o755)
        }
        guard mkdir(path, mode) == 0 || errno == EEXIST else {
            throw .system(call: "mkdir", path: path, code: errno)
        }
        chmod(path, mode)
    }

    /// The names in a directory, sorted; none when it cannot be read.
    static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Where a symbolic link points; nil when it is none.
    static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The directory that a path lies in.
    static func parent(of path: String) -> String? {
        guard let slash = path.lastIndex(of: "/") else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Writes all bytes.
    static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(HostAgentError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Self.retrying {
                    systemWrite(descriptor, buffer.baseAddress.map { $0 + written }, bytes.count - written)
                }
            }
            guard count > 0 else { throw .system(call: "write", path: path, code: errno) }
            written += count
        }
    }

    /// Repeats a system call that a signal interrupted.
    static func retrying(_ call: () -> Int) -> Int {
        var result = call()
        while result < 0 && errno == EINTR {
            result = call()
        }
        return result
    }
}

// `HostFile` has a `read` and a `write` of its own, which would hide the system's.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}

private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, buffer, count)
}

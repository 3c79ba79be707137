import CLinux
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Small files of the box and of our own, read and written whole.
enum SmallFile {
    /// The text of a file of at most 1 MiB; nil when it cannot be read.
    static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count <= 1 << 20 {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
        return nil
    }

    /// Writes beside and renames, so that a crash leaves the old one. Readable by root alone.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(FabricError) {
        let beside = path + ".new"
        unlink(beside)
        let file = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard file >= 0 else { throw .last("write", of: beside) }
        let isWhole = Descriptor.writeAll(bytes, to: file) && fsync(file) == 0
        let number = errno
        close(file)
        errno = number
        guard isWhole, rename(beside, path) == 0 else {
            let failure = FabricError.last("write", of: path)
            // On a full disk even half a file is in the way.
            unlink(beside)
            throw failure
        }
    }

    /// Writes into a file of the kernel.
    static func set(_ path: String, _ text: String) throws(FabricError) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw .last("open", of: path) }
        defer { close(file) }
        guard Descriptor.writeAll(Array(text.utf8), to: file) else { throw .last("write", of: path) }
    }

    /// Makes a directory that root alone may enter, with those above it; one that is there must be just that.
    static func makeDirectory(_ path: String) throws(FabricError) {
        if mkdir(path, 0o700) == 0 { return }
        if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try Self.makeDirectory(String(path[..<slash]))
            if mkdir(path, 0o700) == 0 { return }
        }
        var status = stat()
        guard errno == EEXIST, lstat(path, &status) == 0 else { throw .last("mkdir", of: path) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw .order(code: "InvalidOrder", "\(path) is not a directory.")
        }
    }

    static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// Removes a tree without ever following a symbolic link, as root's `rm` does.
    static func removeTree(_ path: String) throws(FabricError) {
        try Self.removeTrees([path])
    }

    /// Removes several.
    static func removeTrees(_ paths: [String]) throws(FabricError) {
        try Command.run(["rm", "-rf", "--one-file-system", "--"] + paths, seconds: 300)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
import Vocabulary

/// The server's directory, used by one process at a time.
struct DataDirectory: ~Copyable {
    /// The directory.
    let path: String
    private let lock: Int32

    /// Makes the directory (0700) and takes its lock. Throws `DataDirectory` when another process has it.
    init(_ path: String) throws(Problem) {
        do {
            try PrivateFiles.makeDirectory(path)
        } catch {
            throw error as? Problem ?? Problem("DataDirectory", shown: "Cannot use \(path).", logged: "\(error)")
        }
        let lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw Problem("DataDirectory", shown: "Cannot write in \(path): \(String(cString: strerror(errno))).")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw Problem(
                "DataDirectory",
                shown: "Another process uses \(path). Stop it first, or choose another directory with --data."
            )
        }
        self.path = path
        self.lock = lock
    }

    deinit {
        close(self.lock)
    }

    /// The store's file.
    var store: String { self.path + "/sallyport.sqlite" }
    /// Whether there is a store yet.
    var holdsStore: Bool { access(self.store, F_OK) == 0 }

    /// Removes a store that was made a moment ago and holds nothing worth keeping.
    func removeStore() {
        for ending in ["", "-wal", "-shm"] { unlink(self.store + ending) }
        unlink(self.sealingKey)
    }

    /// The key that seals secrets in the store; keep a copy of it apart from backups of the store.
    var sealingKey: String { self.path + "/seal.key" }
    /// Where the server's own certificates are.
    var tls: String { self.path + "/tls" }
}

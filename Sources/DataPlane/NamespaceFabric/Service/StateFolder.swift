import CLinux
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where the service writes down what is there. It reads its own words back as orders of root's: which folder to mount, which to remove. So the
/// place must be one in which nobody but root can put anything, and the data directory of a server with a user of its own is none.
enum StateFolder {
    /// The parent of the places of all data directories that are not root's.
    static let parent = "/var/lib/sallyport-fabric"

    /// Makes the folder for a data directory of `owner` and checks it; `wanted` when the setting names one.
    static func prepare(_ wanted: String?, data: String, owner: uid_t) throws(FabricError) -> String {
        let isRoots = owner == 0 && Self.weakLink(of: data, isTrusted: Self.isRoots) == nil
        guard let folder = Self.choose(wanted, data: data, isRoots: isRoots) else {
            throw .order(code: "InvalidSetting", "The data directory must be named by its whole path.")
        }
        try SmallFile.makeDirectory(folder)
        if let weak = Self.weakLink(of: folder, isTrusted: Self.isRoots) {
            throw .order(
                code: "UnsafeState",
                "\(weak) is not root's alone, so what is written in \(folder) could be changed: name another folder with --state."
            )
        }
        return folder
    }

    /// The folder for a data directory, which is inside of it when that is root's up to the top; nil for a relative path that would have to be part of a name.
    static func choose(_ wanted: String?, data: String, isRoots: Bool) -> String? {
        if let wanted { return wanted }
        if isRoots { return data + "/fabric" }
        let parts = data.split(separator: "/")
        guard data.hasPrefix("/"), !parts.contains(where: { $0 == ".." || $0 == "." }) else { return nil }
        return Self.parent + "/" + parts.joined(separator: "/")
    }

    /// The first folder, from the place itself up to the root, in which somebody else could put another one in its place.
    static func weakLink(of folder: String, isTrusted: (String) -> Bool) -> String? {
        guard folder.hasPrefix("/") else { return isTrusted(folder) ? nil : folder }
        var parts = folder.split(separator: "/")
        while true {
            let path = "/" + parts.joined(separator: "/")
            guard isTrusted(path) else { return path }
            guard !parts.isEmpty else { return nil }
            parts.removeLast()
        }
    }

    // Where others may write too but the sticky bit is set, as in /tmp, they cannot rename what is root's.
    private static func isRoots(_ path: String) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_uid == 0 else { return false }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return status.st_mode & 0o022 == 0 || status.st_mode & 0o1000 != 0
        // A link of root's leads where root wants; what it leads to is looked at by its own name.
        case S_IFLNK: return Self.target(path).map { Self.weakLink(of: $0, isTrusted: Self.isRoots) == nil } ?? false
        default: return false
        }
    }

    private static func target(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

import CLinux
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Root file systems of releases, made once with `debootstrap` and kept; machines see them through an overlay and never change them.
struct ImageCache: Sendable {
    // Another number makes everything anew: change it together with the packages.
    private static let recipe = "3"
    private static let packages = [
        "openssh-server", "sudo", "libpam-modules", "iproute2", "procps", "passwd", "ca-certificates", "curl",
    ]

    let folder: String
    let mirror: String
    /// For the programs that fetch: a proxy, if the box needs one.
    let environment: [String]

    /// Where an image lies; makes it when it is the first time, which takes a minute. Two services may share a cache.
    func root(of release: String) throws(FabricError) -> String {
        guard ImageTable.isKnown(release) else {
            throw .order(code: "PlatformImageNotFound", "There is no image '\(release)'.")
        }
        let finished = "\(self.folder)/\(release)-\(Self.recipe)"
        if SmallFile.exists(finished) { return finished }
        try SmallFile.makeDirectory(self.folder)
        let lock = open("\(self.folder)/\(release).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX) == 0 else { throw .last("lock", of: self.folder) }
        defer { close(lock) }
        if SmallFile.exists(finished) { return finished }
        let unfinished = "\(self.folder)/\(release)-\(Self.recipe).unfinished"
        try SmallFile.removeTree(unfinished)
        try Command.run(
            [
                "debootstrap", "--variant=minbase", "--include=\(Self.packages.joined(separator: ","))", release,
                unfinished, self.mirror,
            ],
            seconds: 1200,
            environment: self.environment
        )
        try SmallFile.removeTree(unfinished + "/var/cache/apt")
        try SmallFile.removeTree(unfinished + "/var/lib/apt/lists")
        guard rename(unfinished, finished) == 0 else { throw .last("rename", of: unfinished) }
        return finished
    }
}

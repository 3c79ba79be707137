import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The kernel's own list of each session's processes: a control group, which no process leaves by forking fast, detaching or clearing its
/// environment, and which dies in one stroke. Source: Linux control groups version 2, `cgroup.procs` and `cgroup.kill` (Linux 5.14).
///
/// Only where the host has a tree of version 2 that root may change. Where systemd keeps a scope for the session, that scope is used.
struct SessionGroups: Sendable {
    /// The mount point of the tree; nil where there is none, or none that can kill.
    private let tree: String?
    private let processes: ProcessTable

    /// Finds the tree in the table of mounts.
    init(_ processes: ProcessTable) {
        self.processes = processes
        let mounts = HostFile.text("\(processes.directory)/self/mounts") ?? ""
        var tree: String?
        for line in mounts.split(separator: "\n" as Character) where tree == nil {
            let words = line.split(separator: " " as Character)
            if words.count > 2, words[2] == "cgroup2" { tree = String(words[1]) }
        }
        self.tree = tree
    }

    /// Gives a session its own group, which everything inherits that its connection starts from now on.
    ///
    /// A connection that systemd has put into a scope stays there: with an empty scope, systemd would take the session for finished.
    func begin(_ session: Session) {
        guard let tree = self.tree, let path = self.own(session), let now = self.group(of: session.pid),
            !Self.isScope(now)
        else { return }
        // Groups of sessions that are over; the kernel keeps one in which something still runs.
        for name in HostFile.names(in: "\(tree)/sallyport") { rmdir("\(tree)/sallyport/\(name)") }
        // Without the right to make it, or the file to kill with, signals remain.
        guard (try? HostFile.makeDirectory(path, mode: 0o755)) != nil, HostFile.exists("\(path)/cgroup.kill") else {
            return
        }
        self.write("\(session.pid)\n", to: "\(path)/cgroup.procs")
    }

    /// Kills all of a session at once, as far as it is in groups of its own; `found` are those of its processes that are known.
    ///
    /// A group that holds one of `spared` is left alone: the agent and the sshd that takes connections may have been started inside a session.
    func kill(_ session: Session, found: [Int32], spared: Set<Int32>) {
        guard let tree = self.tree else { return }
        var paths = Set(found.compactMap { self.group(of: $0) }.filter(Self.isScope).map { tree + $0 })
        if let own = self.own(session) { paths.insert(own) }
        for path in paths {
            let members = HostFile.text("\(path)/cgroup.procs")?.split(separator: "\n" as Character) ?? []
            guard !members.isEmpty, !members.contains(where: { Int32($0).map(spared.contains) ?? true }) else {
                continue
            }
            self.write("1\n", to: "\(path)/cgroup.kill")
        }
    }

    private func own(_ session: Session) -> String? {
        self.tree.map { "\($0)/sallyport/\(session.id)" }
    }

    /// The group of a process in the tree; nil when it is gone.
    private func group(of pid: Int32) -> String? {
        let lines = HostFile.text("\(self.processes.directory)/\(pid)/cgroup")?.split(separator: "\n" as Character)
        let line = lines?.first { $0.hasPrefix("0::/") }
        return line.map { String($0.dropFirst(3)) }
    }

    /// Whether the group is one that systemd made for a single session: `…/session-5.scope`. Source: systemd-logind.service(8).
    private static func isScope(_ group: String) -> Bool {
        let name = group.split(separator: "/" as Character).last ?? ""
        return name.hasPrefix("session-") && name.hasSuffix(".scope")
    }

    private func write(_ text: String, to path: String) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        try? HostFile.write(Array(text.utf8), to: descriptor, path: path)
    }
}

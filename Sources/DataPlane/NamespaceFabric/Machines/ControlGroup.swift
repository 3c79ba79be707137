import CLinux
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Limits of a machine, wherever the box has control groups that may be written; without any, machines run unbounded.
struct ControlGroup: Sendable {
    /// Enough for a busy machine, too few to fill the box's table.
    static let processes = 2048

    let id: String
    private static let top = "/sys/fs/cgroup"
    private var name: String { "sallyport-\(self.id)" }

    /// Sets the limits and puts a process under them. Best effort: a box without control groups is no reason to have no machine.
    func hold(_ process: Int32, memory: Int?, processors: Int?) -> Bool {
        if SmallFile.exists(Self.top + "/cgroup.controllers") {
            try? SmallFile.set(Self.top + "/cgroup.subtree_control", "+pids +memory +cpu")
            let group = Self.top + "/" + self.name
            mkdir(group, 0o755)
            let isBounded = (try? SmallFile.set(group + "/pids.max", "\(Self.processes)")) != nil
            if let memory { try? SmallFile.set(group + "/memory.max", "\(memory)M") }
            if let processors { try? SmallFile.set(group + "/cpu.max", "\(processors * 100_000) 100000") }
            return (try? SmallFile.set(group + "/cgroup.procs", "\(process)")) != nil && isBounded
        }
        var limits = [("pids", "pids.max", "\(Self.processes)")]
        if let memory { limits.append(("memory", "memory.limit_in_bytes", "\(memory << 20)")) }
        if let processors { limits.append(("cpu", "cpu.cfs_quota_us", "\(processors * 100_000)")) }
        var isBounded = true
        for (controller, file, value) in limits {
            let group = "\(Self.top)/\(controller)/\(self.name)"
            mkdir(group, 0o755)
            do throws(FabricError) {
                try SmallFile.set(group + "/" + file, value)
                try SmallFile.set(group + "/cgroup.procs", "\(process)")
            } catch {
                isBounded = false
            }
        }
        return isBounded
    }

    /// Removes the groups of a machine whose processes are gone.
    func remove() {
        for group in [self.name] + ["pids", "memory", "cpu"].map({ $0 + "/" + self.name }) {
            rmdir(Self.top + "/" + group)
        }
    }
}

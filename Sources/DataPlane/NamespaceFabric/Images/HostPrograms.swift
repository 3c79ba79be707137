import CLinux
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What every machine gets of ours: the agent and its modules, as a layer between its image and its disk. Nothing is copied per machine.
struct HostPrograms: Sendable {
    private static let modules = ["libnss_sallyport.so.2", "pam_sallyport.so"]

    /// The folder they come from: that of the setting, or the first usual place that has the modules.
    static func find(_ setting: String?, environment: String?, program: String) -> String? {
        let beside = program.split(separator: "/").dropLast().map(String.init)
        let places =
            [setting, environment, "/usr/lib/sallyport"].compactMap { $0 }
            + (1...2).compactMap { up in
                beside.count < up ? nil : "/" + beside.dropLast(up).joined(separator: "/") + "/host"
            }
        return places.first { SmallFile.exists($0 + "/" + Self.modules[0]) }
    }

    /// Makes the layer under `folder` and returns its path. A machine that runs keeps the layer that it was started with.
    static func makeLayer(from source: String, beside program: String, in folder: String) throws(FabricError) -> String
    {
        var agent = source + "/sally-agent"
        if !SmallFile.exists(agent) {
            agent = (program.split(separator: "/").dropLast().map { "/" + $0 } + ["/sally-agent"]).joined()
        }
        var files = [("/usr/sbin/sally-agent", agent)]
        for module in Self.modules { files.append(("/usr/lib/sallyport/" + module, source + "/" + module)) }
        for library in Self.libraries(of: agent) { files.append((library, library)) }
        var mark = ""
        for (_, path) in files {
            var status = stat()
            guard stat(path, &status) == 0 else {
                throw .order(code: "HostPrograms", "\(path) is missing: name the folder with --host-programs.")
            }
            mark += "\(path) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)\n"
        }
        let layer = folder + "/" + Self.digest(mark)
        if SmallFile.exists(layer) { return layer }
        let unfinished = layer + ".new"
        try SmallFile.removeTree(unfinished)
        for (place, path) in files {
            let directory = unfinished + place[..<(place.lastIndex(of: "/") ?? place.startIndex)]
            try Command.run(["install", "-d", "-m", "0755", "--", directory])
            try Command.run(["install", "-m", "0755", "--", path, unfinished + place])
        }
        guard chmod(unfinished, 0o755) == 0, rename(unfinished, layer) == 0 else { throw .last("rename", of: layer) }
        return layer
    }

    // Libraries of the compiler's tool chain, when the agent was not linked statically.
    private static func libraries(of program: String) -> [String] {
        guard let listed = try? Command.run(["ldd", program]) else { return [] }
        return listed.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let arrow = words.firstIndex(of: "=>"), arrow + 1 < words.count else { return nil }
            let path = String(words[arrow + 1])
            return !path.hasPrefix("/") || path.hasPrefix("/lib") || path.hasPrefix("/usr/lib/") ? nil : path
        }
    }

    // A name for a set of files on one's own disk; nobody gains by making two alike. FNV-1a.
    private static func digest(_ text: String) -> String {
        let hash = text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}

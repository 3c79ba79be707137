#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A process at one moment. The start time tells it from a later process with the same number.
struct ProcessFacts: Hashable, Sendable {
    /// Its number.
    var pid: Int32
    /// Its parent's number.
    var parent: Int32
    /// When it started, in clock ticks since boot.
    var startTime: UInt64
    /// The program's short name.
    var name: String
    /// The device number of its terminal; zero without one.
    var terminal: Int32

    /// Reads the text of `/proc/PID/stat`. The name is in parentheses and may hold anything, parentheses included.
    init?(stat text: String) {
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close,
            let pid = Int32(text[..<open].trimmed)
        else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " " as Character)
        guard fields.count > 19, let parent = Int32(fields[1]), let terminal = Int32(fields[4]),
            let startTime = UInt64(fields[19].trimmed)
        else { return nil }
        self.pid = pid
        self.parent = parent
        self.startTime = startTime
        self.name = String(text[text.index(after: open)..<close])
        self.terminal = terminal
    }

    /// The path of its terminal, when that is a pseudo-terminal. Source: Linux devices.txt, majors 136-143.
    var terminalPath: String? {
        let device = UInt32(bitPattern: self.terminal)
        let major = device >> 8 & 0xfff
        let minor = device & 0xff | device >> 12 & 0xfff00
        guard (136...143).contains(major) else { return nil }
        return "/dev/pts/\((major - 136) * 256 + minor)"
    }
}

/// What the process file system tells. A test gives it a directory of its own.
struct ProcessTable: Sendable {
    /// The mount point.
    let directory: String

    /// One process; nil when it is gone.
    func facts(_ pid: Int32) -> ProcessFacts? {
        HostFile.text("\(self.directory)/\(pid)/stat").flatMap { ProcessFacts(stat: $0) }
    }

    /// All processes.
    func all() -> [ProcessFacts] {
        HostFile.names(in: self.directory).compactMap { Int32($0) }.compactMap { self.facts($0) }
    }

    /// The kernel's audit session of a process, which everything started from it inherits; nil without one.
    func auditSession(_ pid: Int32) -> UInt32? {
        guard let text = HostFile.text("\(self.directory)/\(pid)/sessionid"), let number = UInt32(text.trimmed),
            number != UInt32.max
        else { return nil }
        return number
    }

    /// The real user of a process; nil when it is gone.
    func user(_ pid: Int32) -> UInt32? {
        let lines = HostFile.text("\(self.directory)/\(pid)/status")?.split(separator: "\n" as Character) ?? []
        let words = lines.first { $0.hasPrefix("Uid:") }?.split(whereSeparator: \.isWhitespace) ?? []
        return words.count > 1 ? UInt32(words[1]) : nil
    }

    /// The parent of a process, its parent, and so on, up to the first process or one that is gone.
    func ancestors(of pid: Int32) -> [ProcessFacts] {
        var ancestors: [ProcessFacts] = []
        var next = self.facts(pid)?.parent ?? 0
        // Bounded: the table changes while it is read.
        while next > 0, ancestors.count < 64, let facts = self.facts(next) {
            ancestors.append(facts)
            next = facts.parent
        }
        return ancestors
    }

    /// The audit session that began with this process or connection; nil when a process above it has the same, because then it was inherited, by
    /// everybody else's connections too: sshd may have been restarted from somebody's login, and nothing may have begun a new one (pam_loginuid).
    func ownAuditSession(_ pid: Int32) -> UInt32? {
        guard let session = self.auditSession(pid) else { return nil }
        return self.ancestors(of: pid).contains { self.auditSession($0.pid) == session } ? nil : session
    }

    /// Whether the process was started with this text in its environment.
    func environment(_ pid: Int32, contains entry: String) -> Bool {
        guard let bytes = try? HostFile.read("\(self.directory)/\(pid)/environ", limit: 4 << 20) else { return false }
        return bytes.split(separator: 0).contains { $0.elementsEqual(entry.utf8) }
    }

    /// Which boot of the machine this is.
    func boot() -> String {
        HostFile.text("\(self.directory)/sys/kernel/random/boot_id")?.trimmed ?? ""
    }
}

extension StringProtocol {
    /// Without white space at both ends.
    var trimmed: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\n" || $0 == "\t" || $0 == "\r" }
        guard let first = self.firstIndex(where: { !isSpace($0) }), let last = self.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(self[first...last])
    }
}

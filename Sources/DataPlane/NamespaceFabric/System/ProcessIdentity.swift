import CLinux
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A process that cannot be mistaken for a later one with the same number: number, start time and the boot it belongs to.
struct ProcessIdentity: Codable, Hashable, Sendable {
    let number: Int32
    let startTime: UInt64
    let boot: String

    /// The process with a number; nil when there is none, or only its remains.
    init?(_ number: Int32) {
        guard let text = SmallFile.read("/proc/\(number)/stat"), let startTime = Self.startTime(text) else {
            return nil
        }
        self.number = number
        self.startTime = startTime
        self.boot = Self.thisBoot
    }

    /// Whether it still runs.
    var isAlive: Bool { ProcessIdentity(self.number) == self }

    /// Sends it a signal, if it is still the same.
    func signal(_ signal: Int32) {
        if self.isAlive { kill(self.number, signal) }
    }

    /// Waits until it is gone; false at the deadline.
    func waitUntilGone(seconds: Double) -> Bool {
        let end = Stopwatch(seconds: seconds)
        while self.isAlive {
            // Ours only until the service was started again; then somebody else collects it.
            var status: Int32 = 0
            waitpid(self.number, &status, WNOHANG)
            if end.isOver { return false }
            usleep(5000)
        }
        return true
    }

    /// The field of `/proc/…/stat`; the name before it may hold anything, so it is skipped by its last parenthesis. Nil for a dead one.
    static func startTime(_ stat: String) -> UInt64? {
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return UInt64(fields[19])
    }

    private static let thisBoot = (SmallFile.read("/proc/sys/kernel/random/boot_id") ?? "").filter { $0 != "\n" }
}

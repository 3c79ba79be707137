import CLinux
import FoundationEssentials
public import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The first steps of a machine's process 1, while it is still a program of the box: it builds the machine's world around itself, gives up
/// what could reach the box, and becomes the machine's own `bash` with `InitScript`.
///
/// The disk may be hostile: whoever was root in the machine wrote it. So nothing is touched in it before it is the root of everything, no
/// program of it runs before the powers are gone, and nothing of the box is left to be opened through `/proc/1`.
public struct Inside: Sendable {
    private let layers: String
    private let disk: String
    private let root: String

    /// Describes a machine's disk: lower layers as overlayfs wants them, the folder of the writable part, and an empty folder.
    public init(layers: String, disk: String, root: String) {
        self.layers = layers
        self.disk = disk
        self.root = root
    }

    // CAP_CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, SYS_PTRACE,
    // AUDIT_WRITE, SETFCAP. Not: SYS_ADMIN, NET_ADMIN, MKNOD, SYS_MODULE, SYS_RAWIO, DAC_READ_SEARCH (files by handle), SYS_NICE …
    // Tracing reaches no further than the machine's own processes, none of which can do more.
    private static let kept = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 19, 29, 31]
        .reduce(into: UInt64(0)) { mask, number in mask |= 1 << UInt64(number) }

    // What would show or change the box although it lies in /proc or /sys.
    private static let maskedFiles = [
        "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/latency_stats",
    ]
    private static let maskedFolders = ["/proc/acpi", "/proc/scsi", "/sys/firmware", "/sys/fs/cgroup", "/sys/kernel"]
    private static let fixed = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"]

    /// The same as `run`, for a command: throws what went wrong as a `Problem`.
    public func become() throws(Problem) -> Never {
        do throws(FabricError) {
            try self.run()
        } catch {
            throw Problem("MachineFailed", shown: error.description)
        }
    }

    /// Builds the world, waits for the end of standard input, which comes when the network is there, and becomes process 1 proper.
    private func run() throws(FabricError) -> Never {
        guard getpid() == 1 else { throw .order(code: "NotAMachine", "This command starts machines and nothing else.") }
        guard let order = try? JSONDecoder().decode(StartOrder.self, from: Data(Self.everything(from: 0))) else {
            throw .message("process 1 did not understand its order")
        }
        // Counts as signed in by nobody, whoever started the service: sshd sets it anew for each session, once.
        try? SmallFile.set("/proc/self/loginuid", "4294967295")
        try self.enterDisk()
        try Self.makeSystemFolders()
        guard sethostname(order.hostName, order.hostName.utf8.count) == 0 else { throw .last("sethostname", of: "") }
        guard mkdir("/run/sallyport-machine", 0o700) == 0 else { throw .last("mkdir", of: "/run/sallyport-machine") }
        var files = order.files
        files["init"] = Array(InitScript.text.utf8)
        for (name, bytes) in files where !name.contains("/") {
            try SmallFile.write(bytes, to: "/run/sallyport-machine/" + name)
        }
        // Nothing but 0 to 3 was meant for it.
        guard clinux_close_from(4) == 0 else { throw .last("close_range", of: "") }
        guard clinux_refuse_calls() == 0 else { throw .last("seccomp", of: "") }
        guard clinux_keep_capabilities(Self.kept) == 0 else { throw .last("capset", of: "") }
        signal(SIGPIPE, SIG_DFL)
        umask(0o022)
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        var words = Command.strings(["bash", "/run/sallyport-machine/init"])
        var variables = Command.strings([path, "HOME=/root", "LANG=C.UTF-8"])
        execve("/bin/bash", &words, &variables)
        throw .last("become", of: "/bin/bash")
    }

    private func enterDisk() throws(FabricError) {
        try Self.mount("none", "/", "", Self.recursive | Self.isPrivate)
        let options = "lowerdir=\(self.layers),upperdir=\(self.disk)/upper,workdir=\(self.disk)/work"
        try Self.mount("overlay", self.root, "overlay", 0, options)
        guard chdir(self.root) == 0 else { throw .last("chdir", of: self.root) }
        // The old root comes to lie on top of the new one and is then taken off it; no folder is needed. Source: pivot_root(2).
        guard clinux_pivot_root(".", ".") == 0 else { throw .last("pivot_root", of: self.root) }
        guard umount2(".", 2) == 0, chdir("/") == 0 else { throw .last("umount", of: "the old root") }
    }

    private static func makeSystemFolders() throws(FabricError) {
        for place in ["/proc", "/sys", "/dev", "/run", "/tmp", "/var", "/var/log", "/root"] { mkdir(place, 0o755) }
        try Self.mount("proc", "/proc", "proc", Self.harmless | Self.noExec)
        try Self.mount("sysfs", "/sys", "sysfs", Self.harmless | Self.noExec | Self.readOnly)
        try Self.mount("tmpfs", "/dev", "tmpfs", Self.noSetID, "mode=0755,size=64k")
        try Self.mount("tmpfs", "/run", "tmpfs", Self.harmless, "mode=0755,size=64m")
        try Self.mount("tmpfs", "/tmp", "tmpfs", Self.harmless, "mode=1777,size=512m")
        let devices = [
            ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
        ]
        for (name, major, minor) in devices {
            let place = "/dev/" + name
            guard mknod(place, S_IFCHR | 0o666, dev_t(clinux_device(UInt32(major), UInt32(minor)))) == 0,
                chmod(place, 0o666) == 0
            else { throw .last("mknod", of: place) }
        }
        guard mkdir("/dev/pts", 0o755) == 0, mkdir("/dev/shm", 0o755) == 0 else { throw .last("mkdir", of: "/dev/pts") }
        try Self.mount(
            "devpts",
            "/dev/pts",
            "devpts",
            Self.noSetID | Self.noExec,
            "newinstance,gid=5,mode=620,ptmxmode=666"
        )
        try Self.mount("tmpfs", "/dev/shm", "tmpfs", Self.harmless, "mode=1777,size=128m")
        symlink("pts/ptmx", "/dev/ptmx")
        symlink("/proc/self/fd", "/dev/fd")
        for (number, name) in ["stdin", "stdout", "stderr"].enumerated() {
            symlink("/proc/self/fd/\(number)", "/dev/" + name)
        }
        for place in Self.maskedFiles where SmallFile.exists(place) {
            try Self.mount("/dev/null", place, "", Self.bind)
        }
        for place in Self.maskedFolders where SmallFile.exists(place) {
            try Self.mount("tmpfs", place, "tmpfs", Self.harmless | Self.readOnly, "size=0,mode=0555")
        }
        for place in Self.fixed where SmallFile.exists(place) {
            try Self.mount(place, place, "", Self.bind | Self.recursive)
            try Self.mount("none", place, "", Self.bind | Self.again | Self.readOnly | Self.harmless | Self.noExec)
        }
    }

    // Source: mount(2); the C library's module shows them as values of an enumeration.
    private static let readOnly: UInt = 1
    private static let noSetID: UInt = 2
    private static let noDevices: UInt = 4
    private static let noExec: UInt = 8
    private static let again: UInt = 32
    private static let bind: UInt = 4096
    private static let recursive: UInt = 16384
    private static let isPrivate: UInt = 1 << 18
    private static let harmless = noSetID | noDevices

    private static func mount(_ source: String, _ place: String, _ kind: String, _ flags: UInt, _ options: String = "")
        throws(FabricError)
    {
        guard Glibc.mount(source, place, kind, flags, options) == 0 else { throw .last("mount \(kind)", of: place) }
    }

    private static func everything(from descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < MessageSocket.limit {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }
}

import CLinux
import Fabric
import FoundationEssentials
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Starts and ends the processes of machines.
struct MachineMaker: Sendable {
    /// `…/fabric/machines`.
    let folder: String
    let images: ImageCache
    /// The layer with the agent; nil when the box has none to give.
    let programs: String?
    /// This very program, which is process 1 for its first steps.
    let program: String

    /// Everything of one machine.
    func folder(_ machine: MachineRecord) -> String { "\(self.folder)/\(machine.id)" }

    /// Starts a machine that does not run; `attach` is told its processes and gives them their networks. Returns when sshd was started and, if it
    /// had something to join with, its agent has joined.
    func start(
        _ machine: inout MachineRecord,
        files: [String: [UInt8]],
        attach: (MachineRecord, ProcessIdentity) throws(FabricError) -> Void
    ) throws(FabricError) {
        let image = try self.images.root(of: machine.image)
        let home = self.folder(machine)
        for name in ["disk/upper", "disk/work", "root"] { try SmallFile.makeDirectory("\(home)/\(name)") }
        // The folder above is closed to others; the machine's own root folder is open to its users.
        chmod("\(home)/disk/upper", 0o755)
        let layers = ([self.programs].compactMap { $0 } + [image]).joined(separator: ":")
        guard !(home + layers).contains(where: { ",\\".contains($0) }), !home.contains(":") else {
            throw .order(
                code: "InvalidSetting",
                "The paths of images and of the data directory must be without ':' and ','."
            )
        }
        let (launcher, order, words) = try self.launch(home, layers)
        defer { close(words) }
        do throws(FabricError) {
            machine.launcher = ProcessIdentity(launcher)
            machine.process = try self.firstProcess(of: launcher, home)
            guard let process = machine.process else { throw self.died(home) }
            _ = ControlGroup(id: machine.id).hold(
                process.number,
                memory: machine.memory,
                processors: machine.processors
            )
            try attach(machine, process)
            guard let bytes = try? JSONEncoder().encode(StartOrder(hostName: machine.hostName, files: files)),
                Descriptor.writeAll(Array(bytes), to: order)
            else { throw self.died(home) }
        } catch {
            close(order)
            kill(launcher, SIGKILL)
            self.end(&machine, patience: 0)
            throw error
        }
        // This end is what process 1 waits for.
        close(order)
        do throws(FabricError) {
            try self.listen(words, home)
        } catch {
            self.end(&machine, patience: 0)
            throw error
        }
    }

    // Starts the launcher; what process 1 is told goes into `order`, and what it says comes out of `words`.
    private func launch(_ home: String, _ layers: String) throws(FabricError) -> (
        launcher: pid_t, order: Int32, words: Int32
    ) {
        let order = try Pipe.make()
        let words = try Pipe.make()
        let log = open("\(home)/start.log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let launcher: pid_t
        do throws(FabricError) {
            launcher = try Command.start(
                [
                    "unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--", self.program, "machine",
                    "--layers", layers, "--disk", "\(home)/disk", "--root", "\(home)/root",
                ],
                files: [order.read, log, log, words.write],
                isOwnSession: true
            )
        } catch {
            order.closeBoth()
            words.closeBoth()
            close(log)
            throw error
        }
        close(order.read)
        close(words.write)
        close(log)
        return (launcher, order.write, words.read)
    }

    // The launcher makes the namespaces before it has its child, so whoever finds the child finds them made.
    private func firstProcess(of launcher: pid_t, _ home: String) throws(FabricError) -> ProcessIdentity? {
        let end = Stopwatch(seconds: 20)
        while !end.isOver {
            let children = SmallFile.read("/proc/\(launcher)/task/\(launcher)/children") ?? ""
            if let first = children.split(separator: " ").first, let number = Int32(first) {
                return ProcessIdentity(number)
            }
            var status: Int32 = 0
            if waitpid(launcher, &status, WNOHANG) == launcher { throw self.died(home) }
            usleep(1000)
        }
        throw .late("A machine did not start within 20 seconds.")
    }

    private func listen(_ words: Int32, _ home: String) throws(FabricError) {
        let end = Stopwatch(seconds: 90)
        var text = ""
        var chunk = [UInt8](repeating: 0, count: 4096)
        while Descriptor.wait(words, for: POLLIN, until: end) {
            let count = read(words, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0, text.utf8.count < 64 << 10 else {
                // It ended before it was through.
                throw self.died(home)
            }
            text += String(decoding: chunk[..<count], as: UTF8.self)
            let lines = text.split(separator: "\n")
            if let failure = lines.first(where: { $0.hasPrefix("failed") }) {
                throw .order(
                    code: "VMAgentStatusCommunicationError",
                    "The machine started but its agent could not join: "
                        // What a machine says may hold anything.
                        + PrintableText.of(String(failure.dropFirst(7)), limit: 300)
                )
            }
            if lines.contains("done") { return }
        }
        throw .late("A machine did not get ready within 90 seconds.")
    }

    private func died(_ home: String) -> FabricError {
        .program("process 1 of a machine", said: SmallFile.read("\(home)/start.log") ?? "")
    }

    /// Ends a machine's processes: in order within `patience` seconds, and then at once. What it held vanishes with process 1.
    func end(_ machine: inout MachineRecord, patience: Double) {
        if let process = machine.process {
            if patience > 0 {
                process.signal(SIGTERM)
                _ = process.waitUntilGone(seconds: patience)
            }
            process.signal(SIGKILL)
            _ = process.waitUntilGone(seconds: 10)
        }
        if let launcher = machine.launcher {
            _ = launcher.waitUntilGone(seconds: 5)
            launcher.signal(SIGKILL)
            var status: Int32 = 0
            waitpid(launcher.number, &status, WNOHANG)
        }
        machine.process = nil
        machine.launcher = nil
        ControlGroup(id: machine.id).remove()
    }

    /// Removes a machine's disk and everything else of it but its record, which may lie in the same folder and goes last: a disk that nobody knows
    /// any more would never be removed.
    func erase(_ machine: MachineRecord) throws(FabricError) {
        let home = self.folder(machine)
        try SmallFile.removeTrees(["disk", "root", "start.log"].map { "\(home)/\($0)" })
        rmdir(home)
    }

    /// Throws when the box has no room for another machine's disk: it would be made and then fail at its first files.
    func checkRoom() throws(FabricError) {
        var status = statvfs()
        guard statvfs(self.folder, &status) == 0 else { throw .last("statvfs", of: self.folder) }
        guard UInt64(status.f_bavail) * UInt64(status.f_frsize) >= Self.leastRoom else {
            throw .order(code: "AllocationFailed", "The disk of the box that runs machines is full.")
        }
    }

    /// What a new machine writes before anybody signs in, with room to spare, in bytes.
    private static let leastRoom: UInt64 = 64 << 20

    /// The files that tell process 1 what to do: its name and server always, the rest at the first start.
    static func files(_ machine: MachineRecord, gateway: String, order: MachineMessage?) -> [String: [UInt8]] {
        var files = ["host-name": Array(machine.hostName.utf8)]
        if let server = machine.server {
            files["server"] = Array("\(server.name) \(server.port) \(gateway)\n".utf8)
            files["ca.pem"] = Array(server.authority.utf8)
        }
        guard let order else { return files }
        if let token = order.enrolment?.token { files["join-token"] = Array((token + "\n").utf8) }
        if let administrator = order.administrator {
            files["administrator"] = Array(administrator.name.utf8)
            let keys = administrator.publicKeys.map { $0.split(whereSeparator: \.isNewline).joined() + "\n" }
            files["authorized-keys"] = Array(keys.joined().utf8)
            if let password = administrator.password { files["password"] = Array(password.utf8) }
        }
        if order.customData.starts(with: Array("#!".utf8)) { files["custom-data"] = Array(order.customData) }
        return files
    }
}

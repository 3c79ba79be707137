import CLinux
import Fabric
public import Logging
import Synchronization
public import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The privileged half of the fabric: makes networks and machines out of namespaces for the server of one data directory.
///
/// It runs as root and is asked over a local socket that only the data directory's owner may open. A thread per connection; calls block.
public final class FabricService: Sendable {
    private static let connections = 512

    private let settings: FabricServiceSettings
    private let owner: uid_t
    private let desk: FabricDesk
    private let logger: Logger
    /// Held to the end of the process: one service for each data directory.
    private let lock: Int32
    private let open = Atomic<Int>(0)

    /// The socket of a data directory.
    public static func path(in data: String) -> String { data + "/fabric.sock" }

    /// Where a data directory keeps what was made; there as soon as a service has run, until it is cleaned.
    static func folder(in data: String) -> String { data + "/fabric" }

    /// Reads what is there. Throws when the caller is not root, or the data directory is not what it should be.
    public init(_ settings: FabricServiceSettings, logger: Logger) throws(Problem) {
        self.settings = settings
        self.logger = logger
        guard getuid() == 0 else {
            throw Problem(
                "NotRoot",
                shown: "Machines are made out of namespaces, which takes root: run this with sudo."
            )
        }
        guard ImageTable.isKnown(settings.substitute) else {
            throw Problem("InvalidSetting", shown: "There is no Debian release '\(settings.substitute)' to substitute.")
        }
        var status = stat()
        if mkdir(settings.data, 0o700) != 0, errno != EEXIST || lstat(settings.data, &status) != 0 {
            throw Problem("DataDirectory", shown: "Cannot use \(settings.data): \(String(cString: strerror(errno))).")
        }
        guard lstat(settings.data, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_mode & 0o077 == 0 else {
            throw Problem(
                "DataDirectory",
                shown: "\(settings.data) must be a directory that nobody but its owner may enter: chmod 700."
            )
        }
        let owner = status.st_uid
        self.owner = owner
        signal(SIGPIPE, SIG_IGN)
        do throws(FabricError) {
            let book = try Book(folder: try StateFolder.prepare(settings.state, data: settings.data, owner: owner))
            self.lock = Glibc.open(book.folder + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard self.lock >= 0, flock(self.lock, LOCK_EX | LOCK_NB) == 0 else {
                throw FabricError.order(
                    code: "Busy",
                    "Another 'sallyport fabric' uses \(settings.data): stop it first."
                )
            }
            let disks = settings.disks ?? book.folder + "/machines"
            try SmallFile.makeDirectory(disks)
            let programs = try Self.programs(settings, in: book.folder + "/programs")
            if programs == nil { logger.warning("no host programs were found, so machines get no agent") }
            self.desk = FabricDesk(
                book: book,
                networks: NetworkMaker(serverPort: settings.serverPort, table: try Self.table(of: book)),
                machines: MachineMaker(
                    folder: disks,
                    images: settings.images,
                    programs: programs,
                    program: settings.program
                )
            )
        } catch {
            throw Problem("FabricFailed", shown: error.description)
        }
    }

    private static func programs(_ settings: FabricServiceSettings, in folder: String) throws(FabricError) -> String? {
        let source = HostPrograms.find(settings.hostPrograms, environment: nil, program: settings.program)
        return try source.map { (source) throws(FabricError) in
            try HostPrograms.makeLayer(from: source, beside: settings.program, in: folder)
        }
    }

    // Two data directories on one box have tables of their own.
    private static func table(of book: Book) throws(FabricError) -> String {
        let file = book.folder + "/table"
        if let name = SmallFile.read(file), !name.isEmpty { return name }
        let name = "spf-" + Hex.encode(RandomSource.system.bytes(4))
        try SmallFile.write(Array(name.utf8), to: file)
        return name
    }

    /// Removes every machine, network and file of the data directory.
    public func clean() throws(Problem) {
        do throws(FabricError) {
            try self.desk.clean()
        } catch {
            throw Problem("FabricFailed", shown: error.description)
        }
        unlink(Self.path(in: self.settings.data))
    }

    /// Serves until the process is ended; machines go on without it.
    public func run() throws(Problem) {
        let path = Self.path(in: self.settings.data)
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var isListening = false
        do throws(FabricError) {
            try self.bind(listener, to: path)
            for failure in self.desk.adopt() { self.logger.error("not made again", metadata: ["error": "\(failure)"]) }
            isListening = listen(listener, 128) == 0
            guard isListening else { throw .last("listen", of: path) }
        } catch {
            throw Problem("FabricFailed", shown: error.description)
        }
        _ = NamespaceThread.detach {
            while true {
                usleep(500_000)
                self.desk.look()
            }
        }
        self.logger.notice("ready", metadata: ["socket": "\(path)"])
        while true {
            let accepted = clinux_accept(listener)
            guard accepted >= 0 else {
                // Out of descriptors, most likely: a pause instead of a spin.
                usleep(10_000)
                continue
            }
            guard self.open.wrappingAdd(1, ordering: .relaxed).newValue <= Self.connections,
                NamespaceThread.detach({
                    self.serve(MessageSocket(accepted))
                    self.open.wrappingSubtract(1, ordering: .relaxed)
                })
            else {
                close(accepted)
                self.open.wrappingSubtract(1, ordering: .relaxed)
                continue
            }
        }
    }

    // The directory is the owner's, who may put links there at any moment: so the socket is made as the owner, and born with its rights.
    private func bind(_ listener: Int32, to path: String) throws(FabricError) {
        let before = clinux_file_user(self.owner)
        umask(0o177)
        defer {
            umask(0o022)
            _ = clinux_file_user(UInt32(bitPattern: before))
        }
        unlink(path)
        try MessageSocket.withAddress(path) { address, size throws(FabricError) in
            guard Glibc.bind(listener, address, size) == 0 else { throw .last("bind", of: path) }
        }
    }

    private func serve(_ socket: consuming MessageSocket) {
        guard let user = socket.peer, user == self.owner || user == 0 else {
            return self.logger.warning("a stranger was turned away", metadata: ["user": "\(socket.peer ?? .max)"])
        }
        do throws(FabricError) {
            while let (request, passed) = try socket.receive(FabricRequest.self) {
                if passed >= 0 { close(passed) }
                if request.kind == .connect {
                    try self.connect(request, socket)
                } else {
                    try socket.send(self.answer(request))
                }
            }
        } catch {
            self.logger.debug("a connection ended", metadata: ["error": "\(error)"])
        }
    }

    private func connect(_ request: FabricRequest, _ socket: borrowing MessageSocket) throws(FabricError) {
        let made: Int32
        do throws(FabricError) {
            guard let address = request.address, let port = request.port, let path = request.path else {
                throw .message("An order to connect is not whole.")
            }
            made = try self.desk.connect(to: address, port: port, in: path)
        } catch {
            return try socket.send(FabricAnswer(error.problem))
        }
        defer { close(made) }
        try socket.send(FabricAnswer(), descriptor: made)
    }

    private func answer(_ request: FabricRequest) -> FabricAnswer {
        do throws(FabricError) {
            try self.perform(request)
            // Nothing new is said in few words.
            if request.kind == .watch, self.isKnown(request) { return FabricAnswer() }
            return FabricAnswer(self.desk.book.snapshot(substitute: self.settings.substitute))
        } catch {
            self.logger.error(
                "an order failed",
                metadata: ["order": "\(request.kind)", "of": "\(Self.subject(request))", "error": "\(error)"]
            )
            var answer = FabricAnswer(error.problem)
            answer.snapshot = self.desk.book.snapshot(substitute: self.settings.substitute)
            return answer
        }
    }

    // Whether whoever asks has seen all there is. A server that names no run is an older one.
    private func isKnown(_ request: FabricRequest) -> Bool {
        let (run, version) = self.desk.book.edition
        return request.version == version && request.run.map { $0 == run } ?? true
    }

    private func perform(_ request: FabricRequest) throws(FabricError) {
        switch request.kind {
        case .watch:
            let end = Stopwatch(seconds: 1)
            while self.isKnown(request), !end.isOver { usleep(20_000) }
        case .putNetwork:
            if let network = request.network { try self.desk.put(network) }
        case .removeNetwork:
            if let path = request.path { try self.desk.remove(network: path) }
        case .putMachine:
            if let machine = request.machine { try self.desk.put(machine) }
        case .perform:
            if let path = request.path, let action = request.action { try self.desk.perform(action, on: path) }
        case .connect:
            break
        }
        guard request.kind != .watch else { return }
        self.logger.info("done", metadata: ["order": "\(request.kind)", "of": "\(Self.subject(request))"])
    }

    private static func subject(_ request: FabricRequest) -> String {
        (request.path ?? request.machine?.path ?? request.network?.path).map { "\($0)" } ?? ""
    }
}

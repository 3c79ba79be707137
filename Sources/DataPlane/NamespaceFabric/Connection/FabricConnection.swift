import CLinux
public import Fabric
import Logging
import Synchronization
public import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The server's half of the fabric of namespaces: asks the privileged service, remembers what is there, needs no privilege itself.
///
/// Every order has a connection of its own and a thread that waits for it, so that a slow one holds no other up.
public final class FabricConnection: Fabric {
    private let path: String
    private let memory = Mutex(Memory())
    private let logger = Logger(label: "fabric")

    private struct Memory {
        var version: UInt64 = 0
        var run: UInt64?
        var networks: Set<ResourcePath> = []
        var machines: [ResourcePath: MachineState] = [:]
        var table = ImageTable()
        /// Connections that wait for the next thing to connect: they save a thread and a greeting each time.
        var idle: [Int32] = []
    }

    /// Makes the half for a data directory; nothing is asked before `run` or the first order.
    public init(data: String) {
        self.path = FabricService.path(in: data)
    }

    deinit {
        self.memory.withLock { memory in memory.idle.forEach { close($0) } }
    }

    /// Whether a data directory has a service: one that is there, or one that made something and may be late.
    public static func isExpected(for data: String) -> Bool {
        SmallFile.exists(FabricService.path(in: data)) || SmallFile.exists(FabricService.folder(in: data))
    }

    private static func answers(at path: String) -> Bool {
        do throws(FabricError) {
            _ = try MessageSocket.to(path)
            return true
        } catch {
            return false
        }
    }

    public var name: String { "namespaces" }
    public var images: [MachineImage] { self.memory.withLock { $0.table.images } }

    public func image(for reference: ImageReference) -> MachineImage? {
        self.memory.withLock { $0.table.image(for: reference) }
    }

    public func has(network: ResourcePath) -> Bool {
        self.memory.withLock { $0.networks.contains(network) }
    }

    public func state(of machine: ResourcePath) -> MachineState? {
        self.memory.withLock { $0.machines[machine] }
    }

    public func put(_ network: NetworkOrder) async throws(Problem) {
        var request = FabricRequest(.putNetwork)
        request.network = network
        try await self.order(request, seconds: 60)
    }

    public func remove(network: ResourcePath) async throws(Problem) {
        var request = FabricRequest(.removeNetwork)
        request.path = network
        try await self.order(request, seconds: 60)
    }

    public func put(_ machine: MachineOrder) async throws(Problem) {
        var request = FabricRequest(.putMachine)
        request.machine = MachineMessage(machine)
        // The first machine of an image waits until that is made.
        try await self.order(request, seconds: 1500)
    }

    public func perform(_ action: MachineAction, on machine: ResourcePath) async throws(Problem) {
        var request = FabricRequest(.perform)
        request.action = action
        request.path = machine
        try await self.order(request, seconds: 180)
    }

    /// Keeps what is remembered up to date until it is cancelled. Also while the service is away: then it is asked again every second.
    public func run() async {
        var isAway = false
        while !Task.isCancelled {
            do throws(Problem) {
                var request = FabricRequest(.watch)
                (request.version, request.run) = self.memory.withLock { ($0.version, $0.run) }
                try await self.order(request, seconds: 30)
                if isAway { self.logger.notice("the fabric is back") }
                isAway = false
            } catch {
                if !isAway { self.logger.warning("the fabric is away", metadata: ["error": "\(error.logged)"]) }
                isAway = true
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Asks once what is there, so that the first questions after a start have answers.
    public func refresh() async throws(Problem) {
        try await self.order(FabricRequest(.watch), seconds: 10)
    }

    // MARK: Connecting

    public func connect(to address: String, port: Int, in network: ResourcePath, deadline: Duration)
        async throws(Problem) -> Int32
    {
        var request = FabricRequest(.connect)
        request.path = network
        request.address = address
        request.port = port
        let begun = try await self.begin(request)
        do throws(Problem) {
            try await Self.finish(begun, within: deadline)
        } catch {
            close(begun)
            throw error
        }
        return begun
    }

    // The service answers in a fraction of a millisecond, without waiting for the other side.
    private func begin(_ request: FabricRequest) async throws(Problem) -> Int32 {
        let path = self.path
        let idle = self.memory.withLock { $0.idle.popLast() }
        if let idle {
            // The service may have been started again since; then a new connection is the answer.
            let made = try? await Self.onThread { () throws(FabricError) in try Self.ask(MessageSocket(idle), request) }
            if let made { return try self.take(made) }
        }
        return try self.take(
            await Self.onThread { () throws(FabricError) in try Self.ask(MessageSocket.to(path), request) }
        )
    }

    private func take(_ made: Asked) throws(Problem) -> Int32 {
        self.keep(made.socket)
        if let problem = made.answer.problem { throw problem }
        guard made.descriptor >= 0 else { throw FabricError.message("No connection came with the answer.").problem }
        return made.descriptor
    }

    private func keep(_ socket: Int32) {
        let isKept = self.memory.withLock { memory in
            guard socket >= 0, memory.idle.count < 16 else { return false }
            memory.idle.append(socket)
            return true
        }
        if !isKept, socket >= 0 { close(socket) }
    }

    private struct Asked: Sendable {
        let answer: FabricAnswer
        let descriptor: Int32
        /// A copy that outlives the exchange.
        let socket: Int32
    }

    private static func ask(_ socket: consuming MessageSocket, _ request: FabricRequest) throws(FabricError) -> Asked {
        socket.setDeadline(5)
        try socket.send(request)
        guard let (answer, descriptor) = try socket.receive(FabricAnswer.self) else {
            throw .away("The service ended the connection.")
        }
        let kept = fcntl(socket.descriptor, F_DUPFD_CLOEXEC, 3)
        return Asked(answer: answer, descriptor: descriptor, socket: kept)
    }

    // Connections inside a box are there at once or never; looking ever less often costs less than a watcher of our own.
    private static func finish(_ descriptor: Int32, within deadline: Duration) async throws(Problem) {
        let end = ContinuousClock.now + deadline
        var pause = Duration.microseconds(100)
        while true {
            var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            if poll(&watched, 1, 0) > 0 { break }
            guard ContinuousClock.now < end else {
                throw Problem("ConnectionTimedOut", shown: "Nobody answered in time.")
            }
            do {
                try await Task.sleep(for: pause)
            } catch {
                throw Problem("Cancelled", shown: "The connection was given up.")
            }
            pause = min(pause * 2, .milliseconds(20))
        }
        var failure: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size)
        guard failure == 0 else {
            throw Problem("ConnectionRefused", shown: "The target said no: \(String(cString: strerror(failure))).")
        }
    }

    // MARK: Asking

    private func order(_ request: FabricRequest, seconds: Int) async throws(Problem) {
        var answer = try await self.exchange(request, seconds: seconds)
        // The service ended in the middle. What it had begun to make it takes back when it starts again, and an order may be given twice.
        for _ in 0..<2 where answer == nil { answer = try await self.exchange(request, seconds: seconds) }
        guard let answer else { throw FabricError.away("The service ended the connection.").problem }
        if let snapshot = answer.snapshot { self.remember(snapshot) }
        if let problem = answer.problem { throw problem }
    }

    /// An order and its answer; nil when the service ended in between.
    private func exchange(_ request: FabricRequest, seconds: Int) async throws(Problem) -> FabricAnswer? {
        let path = self.path
        if request.kind != .watch { await self.waitForService() }
        return try await Self.onThread { () throws(FabricError) -> FabricAnswer? in
            let socket = try MessageSocket.to(path)
            socket.setDeadline(seconds)
            do throws(FabricError) {
                try socket.send(request)
                guard let (answer, descriptor) = try socket.receive(FabricAnswer.self) else { return nil }
                if descriptor >= 0 { close(descriptor) }
                return answer
            } catch .away {
                return nil
            }
        }
    }

    // A service that is being started again costs an order some seconds and does not make it fail.
    private func waitForService() async {
        let end = ContinuousClock.now + .seconds(30)
        while !Self.answers(at: self.path), ContinuousClock.now < end, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    private func remember(_ snapshot: FabricSnapshot) {
        self.memory.withLock { memory in
            // Answers of orders that ran beside each other may arrive in the wrong order.
            guard snapshot.run != memory.run || snapshot.version >= memory.version else { return }
            memory.version = snapshot.version
            memory.run = snapshot.run
            memory.networks = Set(snapshot.networks)
            memory.machines = Dictionary(snapshot.machines.map { ($0.path, $0.state) }) { first, _ in first }
            memory.table = ImageTable(substitute: snapshot.substitute)
        }
    }

    private static func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () throws(FabricError) -> Value
    ) async throws(Problem) -> Value {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Value, FabricError>, Never>) in
            let isStarted = NamespaceThread.detach {
                do throws(FabricError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !isStarted { continuation.resume(returning: .failure(.away("No thread is left."))) }
        }
        do throws(FabricError) {
            return try result.get()
        } catch {
            throw error.problem
        }
    }
}

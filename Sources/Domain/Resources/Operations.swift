import Synchronization
public import Vocabulary

/// Work on a resource that goes on after the request that asked for it was answered.
public struct ResourceOperation: Sendable {
    /// What it does.
    public enum Purpose: String, Sendable {
        case write
        case delete
        case action
    }

    /// How far it is, in the words of Azure's operation documents.
    public enum Status: String, Sendable {
        case inProgress = "InProgress"
        case succeeded = "Succeeded"
        case failed = "Failed"
    }

    /// Its identifier; knowing it is not enough to see it.
    public let id: GUID
    /// What it works on.
    public let target: ResourcePath
    /// The type of that, as the catalogue spells it.
    public let type: String
    /// Where that is.
    public let location: String
    /// What it does.
    public let purpose: Purpose
    /// The object id of who asked; nil for the system.
    public let owner: GUID?
    /// When it began.
    public let startedAt: Instant
    /// When it ended.
    public internal(set) var endedAt: Instant?
    /// How far it is.
    public internal(set) var status = Status.inProgress
    /// Why it failed.
    public internal(set) var problem: Problem?
    /// What it brought besides the change itself; nil when nothing.
    public var product: JSONValue? { self.produced?.document }
    let produced: OperationProduct?

    /// The address at which it can be watched, below the given word: `operations` or `operationResults`.
    public func path(_ word: String = "operations") -> ResourcePath? {
        guard let subscription = self.target.subscription else { return nil }
        let namespace = self.type.split(separator: "/" as Character).first.map(String.init) ?? "Microsoft.Resources"
        return ResourcePath(
            "/subscriptions/\(subscription)/providers/\(namespace)/locations/\(self.location)/\(word)/\(self.id)"
        )
    }

    /// The body that answers a poll: always with `status`, so that clients can tell running from unreadable.
    public var document: JSONValue {
        var document: JSONValue = [
            "id": .string(self.path().map(\.description) ?? ""), "name": .string(self.id.description),
            "status": .string(self.status.rawValue), "startTime": .string(self.startedAt.description),
        ]
        if let end = self.endedAt { document["endTime"] = .string(end.description) }
        if let problem = self.problem {
            document["error"] = ["code": .string(problem.code), "message": .string(problem.shown)]
        }
        return document
    }
}

/// Where the work of an operation leaves what it brings.
final class OperationProduct: Sendable {
    private let held = Mutex<JSONValue?>(nil)

    /// What it brought.
    var document: JSONValue? {
        get { self.held.withLock { $0 } }
        set { self.held.withLock { $0 = newValue } }
    }
}

/// The operations that run and those that ended lately. Kept in memory: after a restart the resource itself says how far it is.
final class Operations: Sendable {
    private struct State {
        var known: [GUID: ResourceOperation] = [:]
        var order: [GUID] = []
        var tasks: [GUID: Task<Void, Never>] = [:]
        var isClosed = false
    }

    private static let mostKnown = 4096
    private static let mostRunning = 512

    private let state = Mutex(State())
    private let clock: TimeSource
    private let random: RandomSource

    init(clock: TimeSource, random: RandomSource) {
        self.clock = clock
        self.random = random
    }

    /// Whether another one may begin. Throws `TooManyRequests` when too many run.
    func checkRoom() throws(Problem) {
        guard self.state.withLock({ !$0.isClosed && $0.tasks.count < Self.mostRunning }) else {
            throw Problem("TooManyRequests", shown: "Too many operations are running. Try again in a moment.")
        }
    }

    /// Whether the program is about to end.
    var isClosed: Bool { self.state.withLock { $0.isClosed } }

    /// Begins an operation; the work returns what went wrong, or nil.
    func begin(
        _ purpose: ResourceOperation.Purpose,
        on target: Resource,
        owner: GUID?,
        location: String,
        product: OperationProduct? = nil,
        work: @escaping @Sendable () async -> Problem?
    ) -> ResourceOperation {
        let operation = ResourceOperation(
            id: GUID(from: self.random),
            target: target.path,
            type: target.type,
            location: location,
            purpose: purpose,
            owner: owner,
            startedAt: self.clock.now,
            produced: product
        )
        self.state.withLock { state in
            state.known[operation.id] = operation
            state.order.append(operation.id)
            if state.order.count > Self.mostKnown, let ended = state.order.firstIndex(where: { state.tasks[$0] == nil })
            {
                state.known[state.order.remove(at: ended)] = nil
            }
            // `settle` awaits it, when the server stops or a test wants to know.
            state.tasks[operation.id] = Task {
                let problem = await work()
                self.end(operation.id, problem)
            }
        }
        return operation
    }

    /// The operation with an identifier.
    subscript(id: GUID) -> ResourceOperation? {
        self.state.withLock { $0.known[id] }
    }

    /// Whether an operation works on a resource.
    func isRunning(on target: ResourcePath) -> Bool {
        self.state.withLock { state in state.tasks.keys.contains { state.known[$0]?.target == target } }
    }

    /// Waits until an operation has ended. Returns why it failed.
    func end(of id: GUID) async -> Problem? {
        let task = self.state.withLock { $0.tasks[id] }
        await task?.value
        return self[id]?.problem
    }

    /// Stops what is being made or changed at and below a path and waits for it.
    func interrupt(at path: ResourcePath) async {
        let tasks = self.state.withLock { state in
            state.tasks.filter { id, _ in
                guard let known = state.known[id] else { return false }
                return known.purpose != .delete && path.contains(known.target)
            }.map(\.value)
        }
        for task in tasks {
            task.cancel()
            await task.value
        }
    }

    /// Waits until nothing runs.
    func settle() async {
        while let task = self.state.withLock({ $0.tasks.values.first }) {
            await task.value
        }
    }

    /// Lets nothing begin any more, cancels what runs and waits for it.
    func close() async {
        for task in self.state.withLock({ state in
            state.isClosed = true
            return Array(state.tasks.values)
        }) {
            task.cancel()
            await task.value
        }
    }

    private func end(_ id: GUID, _ problem: Problem?) {
        let now = self.clock.now
        self.state.withLock { state in
            state.tasks[id] = nil
            state.known[id]?.status = problem == nil ? .succeeded : .failed
            state.known[id]?.problem = problem
            state.known[id]?.endedAt = now
        }
    }
}

public import AccessControl
public import Audit
public import Storage
import Synchronization
public import Vocabulary

/// Every resource of the installation, kept in memory over a store: reading costs a dictionary look-up, writing one transaction.
///
/// Each kind of resource is a value (`ResourceKind`) that says what its body looks like, what it refers to and what must hold; this engine
/// does the same for all of them: decides, reads the body, completes it, checks references, stores, records, and answers.
public final class Resources: Sendable {
    /// Told the path of every resource that was made, changed or removed.
    public let changes = ChangeFeed<ResourcePath>()
    /// What is the same for every resource.
    public let settings: ResourceSettings

    let accessControl: AccessControl
    let database: any Database
    let audit: AuditLog
    let clock: TimeSource
    let random: RandomSource
    let catalogue = KindCatalogue.standard
    let turns = TurnQueue(longest: 1024)
    let operations: Operations
    /// What came with a request to make a machine and is kept nowhere else.
    let machineSecrets = PendingSecrets()
    /// The same for local accounts.
    let accessChanges = PendingAccess()
    /// Kept scripts that are about to run.
    let pendingCommands = PendingCommands()
    /// What the fabric was last told about each machine's places.
    let fitted = FittedPlaces()
    /// Who waits for a machine to join.
    let joins = JoinWaiters()
    private let snapshot = Mutex(Snapshot())
    private let connected: Mutex<ResourceHooks?>

    /// Makes an empty collection; call `load()` before use.
    public init(
        settings: ResourceSettings,
        accessControl: AccessControl,
        database: any Database,
        audit: AuditLog,
        clock: TimeSource,
        random: RandomSource,
        hooks: ResourceHooks? = nil
    ) {
        self.settings = settings
        self.accessControl = accessControl
        self.database = database
        self.audit = audit
        self.clock = clock
        self.random = random
        self.operations = Operations(clock: clock, random: random)
        self.connected = Mutex(hooks)
    }

    /// What other parts of the house do for resources; set when they exist.
    public var hooks: ResourceHooks {
        get { self.connected.withLock { $0 } ?? .none }
        set { self.connected.withLock { $0 = newValue } }
    }

    /// Whether the other parts are known: nothing is carried out before.
    var isConnected: Bool { self.connected.withLock { $0 != nil } }

    /// The resource at a path, whoever asks; nil when there is none.
    public func resource(_ path: ResourcePath) -> Resource? {
        self.snapshot.withLock { $0[path] }
    }

    /// The resources at and below a scope in the order of their paths, whoever asks; of one type when given.
    public func list(type: String? = nil, below scope: ResourcePath) -> [Resource] {
        self.current.list(type: type, below: scope)
    }

    /// The state as of now; later changes do not show in it.
    var current: Snapshot {
        self.snapshot.withLock { $0 }
    }

    /// Changes the state in memory, after the store has it.
    func update(_ change: (inout Snapshot) -> Void) {
        self.snapshot.withLock { change(&$0) }
    }
}

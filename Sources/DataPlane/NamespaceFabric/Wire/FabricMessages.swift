import Fabric
import Vocabulary

/// What the server asks of the service: one kind and what belongs to it.
struct FabricRequest: Codable, Sendable {
    enum Kind: String, Codable, Sendable {
        /// What is there, once something differs from `version`, or after a while.
        case watch
        case putNetwork
        case removeNetwork
        case putMachine
        case perform
        /// A connection from inside a network; its descriptor comes with the answer.
        case connect
    }

    var kind: Kind
    var version: UInt64?
    var run: UInt64?
    var network: NetworkOrder?
    var machine: MachineMessage?
    var path: ResourcePath?
    var action: MachineAction?
    var address: String?
    var port: Int?

    init(_ kind: Kind) {
        self.kind = kind
    }
}

/// What the service answers.
struct FabricAnswer: Codable, Sendable {
    /// What went wrong; nil when nothing did.
    var code: String?
    var shown: String?
    /// What is there now, in every answer but those about connections.
    var snapshot: FabricSnapshot?

    init(_ snapshot: FabricSnapshot? = nil) {
        self.snapshot = snapshot
    }

    init(_ problem: Problem) {
        self.code = problem.code
        self.shown = problem.shown
    }

    var problem: Problem? {
        self.code.map { Problem($0, shown: self.shown ?? "") }
    }
}

/// Everything that is there, as the server remembers it between two answers.
struct FabricSnapshot: Codable, Sendable {
    /// Grows with every change, within one run of the service.
    var version: UInt64 = 0
    /// Another number for each start of the service; nil from an older one.
    var run: UInt64?
    var networks: [ResourcePath] = []
    var machines: [MachineStatus] = []
    /// The release that stands in for images that are not offered.
    var substitute = ImageTable.standardSubstitute

    struct MachineStatus: Codable, Sendable {
        let path: ResourcePath
        let state: MachineState
    }
}

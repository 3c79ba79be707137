import CLinux
import Fabric
import FoundationEssentials
import Synchronization
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the service knows: networks and machines, in memory and on disk. Small calls from many threads; nothing here waits.
final class Book: Sendable {
    private struct State {
        var networks: [ResourcePath: NetworkRecord] = [:]
        var machines: [ResourcePath: MachineRecord] = [:]
        /// What is being done to machines now, for who watches.
        var doing: [ResourcePath: MachineState] = [:]
        var version: UInt64 = 1
        /// Drawn at each start: whoever waits for a change must not take this service for the one before, whatever the clock says.
        let run = RandomSource.system.bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }

    private let state: Mutex<State>
    let folder: String

    /// Reads what earlier runs of the service left in `folder`.
    init(folder: String) throws(FabricError) {
        self.folder = folder
        for name in ["", "/networks", "/machines", "/programs"] { try SmallFile.makeDirectory(folder + name) }
        var state = State()
        for name in try Self.names(in: folder + "/networks") where name.hasSuffix(".json") {
            let record = try Self.load(NetworkRecord.self, "\(folder)/networks/\(name)")
            state.networks[record.path] = record
        }
        for name in try Self.names(in: folder + "/machines") {
            guard SmallFile.exists("\(folder)/machines/\(name)/machine.json") else {
                // A crash before the record was there, or after it had gone: nothing else is in such a folder.
                unlink("\(folder)/machines/\(name)/machine.json.new")
                rmdir("\(folder)/machines/\(name)")
                continue
            }
            let record = try Self.load(MachineRecord.self, "\(folder)/machines/\(name)/machine.json")
            state.machines[record.path] = record
        }
        self.state = Mutex(state)
    }

    // MARK: Reading

    func network(_ path: ResourcePath) -> NetworkRecord? { self.state.withLock { $0.networks[path] } }
    func machine(_ path: ResourcePath) -> MachineRecord? { self.state.withLock { $0.machines[path] } }
    var networks: [NetworkRecord] { self.state.withLock { Array($0.networks.values) } }
    var machines: [MachineRecord] { self.state.withLock { Array($0.machines.values) } }
    /// Which change of which run this is: nothing is new for whoever knows it.
    var edition: (run: UInt64, version: UInt64) { self.state.withLock { ($0.run, $0.version) } }

    /// The places of all machines on a network.
    func attachments(in network: NetworkRecord) -> [MachinePort] {
        self.machines.flatMap { $0.attachments(in: network) }
    }

    /// Everything, for the server.
    func snapshot(substitute: String) -> FabricSnapshot {
        let state = self.state.withLock { $0 }
        let (networks, machines, doing) = (Array(state.networks.keys), state.machines.values, state.doing)
        return FabricSnapshot(
            version: state.version,
            run: state.run,
            networks: networks,
            machines: machines.map { .init(path: $0.path, state: doing[$0.path] ?? $0.restingState) },
            substitute: substitute
        )
    }

    // MARK: Writing

    func save(_ network: NetworkRecord) throws(FabricError) {
        try Self.store(network, "\(self.folder)/networks/\(network.id).json")
        self.change { $0.networks[network.path] = network }
    }

    func save(_ machine: MachineRecord) throws(FabricError) {
        try SmallFile.makeDirectory("\(self.folder)/machines/\(machine.id)")
        try Self.store(machine, "\(self.folder)/machines/\(machine.id)/machine.json")
        self.change { $0.machines[machine.path] = machine }
    }

    func forget(_ network: NetworkRecord) {
        unlink("\(self.folder)/networks/\(network.id).json")
        self.change { $0.networks[network.path] = nil }
    }

    func forget(_ machine: MachineRecord) {
        let home = "\(self.folder)/machines/\(machine.id)"
        unlink(home + "/machine.json")
        rmdir(home)
        self.change { $0.machines[machine.path] = nil }
    }

    /// Says what is being done to a machine; nil when nothing is any more.
    func note(_ doing: MachineState?, of machine: ResourcePath) {
        self.change { $0.doing[machine] = doing }
    }

    private func change(_ body: (inout State) -> Void) {
        self.state.withLock { state in
            body(&state)
            state.version += 1
        }
    }

    // MARK: Files

    private static func load<Record: Decodable>(_ type: Record.Type, _ path: String) throws(FabricError) -> Record {
        guard let text = SmallFile.read(path), let record = try? JSONDecoder().decode(type, from: Data(text.utf8))
        else {
            throw .message("\(path) cannot be read: is it from a newer version?")
        }
        return record
    }

    private static func store(_ record: some Encodable, _ path: String) throws(FabricError) {
        guard let bytes = try? JSONEncoder().encode(record) else { throw .message("\(path) cannot be written.") }
        try SmallFile.write(Array(bytes), to: path)
    }

    private static func names(in folder: String) throws(FabricError) -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw .last("list", of: folder)
        }
        return names
    }
}

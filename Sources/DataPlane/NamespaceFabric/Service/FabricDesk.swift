import CLinux
import Dispatch
import Fabric
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Does what the server asks for, on the threads that ask: one thing at a time for each network and machine, many beside each other.
final class FabricDesk: Sendable {
    let book: Book
    let networks: NetworkMaker
    let machines: MachineMaker
    private let turns = Turns()
    // Starting is mostly processor time; more at once than this make each other late.
    private let starts = DispatchSemaphore(value: 8)
    private let box = Turns()

    init(book: Book, networks: NetworkMaker, machines: MachineMaker) {
        self.book = book
        self.networks = networks
        self.machines = machines
    }

    // MARK: Networks

    func put(_ order: NetworkOrder) throws(FabricError) {
        try self.turns.take(order.path) { () throws(FabricError) in
            let known = self.book.network(order.path)
            let subnets = try NetworkRecord.subnets(of: order, before: known?.subnets ?? [])
            let kept = Set(subnets.map(\.number))
            for gone in (known?.subnets ?? []) where !kept.contains(gone.number) {
                let isUsed = known.map { self.book.attachments(in: $0).contains { $0.bridge == gone.bridge } } ?? false
                guard !isUsed else {
                    throw .order(
                        code: "InUseSubnetCannotBeDeleted",
                        "Machines are attached to the subnet '\(gone.name)'."
                    )
                }
            }
            var network: NetworkRecord
            if let known {
                network = known
                network.subnets = subnets
                try self.book.save(network)
            } else {
                network = try self.box.take(.root) { () throws(FabricError) in
                    let taken = try NetworkMaker.takenLinks().union(self.book.networks.map(\.link.box))
                    let start = RandomSource.system.bytes(2).reduce(0) { $0 << 8 | Int($1) }
                    guard let link = LinkAddresses.free(from: start % LinkAddresses.count, taken: taken) else {
                        throw .order(code: "OutOfCapacity", "There are too many networks on this box.")
                    }
                    let id = Hex.encode(RandomSource.system.bytes(5))
                    let made = NetworkRecord(
                        id: id,
                        path: order.path,
                        subnets: subnets,
                        link: link,
                        isUnfinished: true
                    )
                    try self.book.save(made)
                    return made
                }
            }
            do throws(FabricError) {
                try self.build(network)
                if network.isUnfinished != nil {
                    network.isUnfinished = nil
                    try self.book.save(network)
                }
            } catch {
                if known == nil {
                    try? self.networks.remove(network)
                    self.book.forget(network)
                }
                throw error
            }
        }
    }

    func remove(network path: ResourcePath) throws(FabricError) {
        try self.turns.take(path) { () throws(FabricError) in
            guard let network = self.book.network(path) else { return }
            guard self.book.attachments(in: network).isEmpty else {
                throw .order(code: "InUseVirtualNetworkCannotBeDeleted", "Machines are attached to '\(path.name)'.")
            }
            try self.erase(network)
        }
    }

    private func erase(_ network: NetworkRecord) throws(FabricError) {
        var network = network
        network.isUnfinished = true
        // On a full disk it is removed all the same.
        try? self.book.save(network)
        try self.networks.remove(network)
        self.book.forget(network)
        try self.filterBox()
    }

    private func build(_ network: NetworkRecord) throws(FabricError) {
        try self.networks.make(network)
        try self.filterBox()
        try self.networks.filter(network, self.book.attachments(in: network))
    }

    private func filterBox() throws(FabricError) {
        try self.box.take(.root) { () throws(FabricError) in try self.networks.filterBox(self.book.networks) }
    }

    // Filters of one network follow its machines; two machines at once must not set them in the wrong order.
    private func filter(_ machine: MachineRecord) throws(FabricError) {
        for path in Set(machine.interfaces.map(\.network)) {
            try self.turns.take(path) { () throws(FabricError) in
                guard let network = self.book.network(path) else { return }
                try self.networks.filter(network, self.book.attachments(in: network))
            }
        }
    }

    // MARK: Machines

    func put(_ order: MachineMessage) throws(FabricError) {
        try self.turns.take(order.path) { () throws(FabricError) in
            try OrderRules.check(order) { self.book.network($0) }
            if var remains = self.book.machine(order.path), remains.step == .removing {
                try self.erase(&remains, patience: 0)
            }
            if var known = self.book.machine(order.path) {
                let isMoved =
                    known.interfaces.map { [$0.network.key, $0.subnet, $0.address] }
                    != order.interfaces.map { [$0.network.key, $0.subnet, $0.address] }
                let before = known
                known.interfaces = order.interfaces
                known.memory = order.memory
                known.processors = order.processors
                if isMoved, known.isRunning { try self.stop(&known, patience: 20) }
                try self.book.save(known)
                try self.filter(before)
                try self.filter(known)
                if known.isWanted { try self.start(&known) }
            } else {
                try self.create(order)
            }
        }
    }

    private func create(_ order: MachineMessage) throws(FabricError) {
        var machine = MachineRecord(
            id: Hex.encode(RandomSource.system.bytes(5)),
            path: order.path,
            image: order.image,
            hostName: order.hostName,
            interfaces: order.interfaces,
            memory: order.memory,
            processors: order.processors,
            server: order.enrolment.map { .init(name: $0.serverName, port: $0.port, authority: $0.authority) }
        )
        try self.machines.checkRoom()
        machine.step = .making
        // Written down before anything is made, so that whatever is left after a crash is known.
        self.book.note(.starting, of: order.path)
        defer { self.book.note(nil, of: order.path) }
        do throws(FabricError) {
            try self.book.save(machine)
            try self.start(&machine, order: order)
        } catch {
            try? self.erase(&machine, patience: 0)
            throw error
        }
    }

    private func erase(_ machine: inout MachineRecord, patience: Double) throws(FabricError) {
        machine.isWanted = false
        machine.step = .removing
        // On a full disk it is removed all the same, which makes room.
        try? self.book.save(machine)
        self.machines.end(&machine, patience: patience)
        try self.machines.erase(machine)
        self.book.forget(machine)
        // The machine is gone whatever becomes of its rules; the next change of the network sets them anew.
        try? self.filter(machine)
    }

    /// Starts a machine that does not run. Only with the turn of its path.
    private func start(_ machine: inout MachineRecord, order: MachineMessage? = nil) throws(FabricError) {
        guard !machine.isRunning else { return }
        self.book.note(.starting, of: machine.path)
        defer { self.book.note(nil, of: machine.path) }
        self.machines.end(&machine, patience: 0)
        guard let first = machine.interfaces.first, let network = self.book.network(first.network),
            let subnet = network.subnet(first.subnet), let prefix = AddressPrefix(subnet.prefix)
        else { throw .order(code: "NetworkNotFound", "The network of '\(machine.path.name)' is not there.") }
        try self.filter(machine)
        let files = MachineMaker.files(machine, gateway: prefix.gateway.description, order: order)
        machine.isWanted = true
        machine.isDeallocated = false
        machine.step = machine.step ?? .starting
        let places = machine.interfaces.enumerated().compactMap { number, interface in
            self.book.network(interface.network).map { network in
                (
                    MachinePort(machine: machine.id, number: number, interface: interface, bridge: ""), network
                )
            }
        }
        self.starts.wait()
        defer { self.starts.signal() }
        do throws(FabricError) {
            try self.machines.start(&machine, files: files) { begun, process throws(FabricError) in
                // Its processes wait for their order and end without one; from here on they are known by name.
                try self.book.save(begun)
                for (place, network) in places { try self.networks.attach(place, of: process.number, in: network) }
            }
        } catch {
            if machine.step == .starting {
                machine.step = nil
                try? self.book.save(machine)
            }
            throw error
        }
        machine.step = nil
        try self.book.save(machine)
    }

    private func stop(_ machine: inout MachineRecord, patience: Double) throws(FabricError) {
        self.machines.end(&machine, patience: patience)
        try self.book.save(machine)
    }

    func perform(_ action: MachineAction, on path: ResourcePath) throws(FabricError) {
        try self.turns.take(path) { () throws(FabricError) in
            guard var machine = self.book.machine(path) else {
                if action == .delete { return }
                throw .order(code: "ResourceNotFound", "There is no machine '\(path.name)' here.")
            }
            defer { self.book.note(nil, of: path) }
            switch action {
            case .start:
                try self.start(&machine)
            case .powerOff, .kill, .deallocate:
                self.book.note(action == .deallocate ? .deallocating : .stopping, of: path)
                machine.isWanted = false
                machine.isDeallocated = action == .deallocate
                try self.stop(&machine, patience: action == .kill ? 0 : 20)
            case .restart:
                self.book.note(.stopping, of: path)
                try self.stop(&machine, patience: 20)
                try self.start(&machine)
            case .delete:
                self.book.note(.stopping, of: path)
                try self.erase(&machine, patience: 3)
            }
        }
    }

    /// A connection begun from inside a network to an address in it.
    func connect(to address: String, port: Int, in path: ResourcePath) throws(FabricError) -> Int32 {
        guard let network = self.book.network(path) else {
            throw .order(code: "NetworkNotFound", "There is no network '\(path.name)' here.")
        }
        guard let target = IPv4Address(address), (1...65_535).contains(port),
            network.subnets.contains(where: {
                AddressPrefix($0.prefix).map { $0.contains(target) && $0.gateway != target } ?? false
            })
        else {
            throw .order(
                code: "AddressNotReachable",
                "\(PrintableText.of(address, limit: 40)) is in no subnet of '\(path.name)'."
            )
        }
        return try NetworkMaker.connect(to: target, port: port, in: network)
    }

    // MARK: Life

    /// Finds everything that is still there after a new start of the service, and makes again what is not. What an earlier run began to make or to
    /// remove goes away first. Returns what went wrong.
    func adopt() -> [FabricError] {
        var failures: [FabricError] = []
        func attempt(_ path: ResourcePath, _ body: () throws(FabricError) -> Void) {
            do throws(FabricError) {
                try self.turns.take(path, body)
            } catch {
                failures.append(error)
            }
        }
        for var machine in self.book.machines where machine.step == .making || machine.step == .removing {
            attempt(machine.path) { () throws(FabricError) in try self.erase(&machine, patience: 0) }
        }
        for network in self.book.networks {
            let isHalf = network.isUnfinished ?? false && self.book.attachments(in: network).isEmpty
            attempt(network.path) { () throws(FabricError) in
                if isHalf { try self.erase(network) } else { try self.build(network) }
            }
        }
        for var machine in self.book.machines where machine.isWanted {
            guard machine.step == .starting || !machine.isRunning else { continue }
            attempt(machine.path) { () throws(FabricError) in
                self.machines.end(&machine, patience: 0)
                try self.start(&machine)
            }
        }
        return failures
    }

    /// Notes the machines that ended by themselves: whoever switches a machine off from inside wants it off.
    func look() {
        for machine in self.book.machines where machine.process != nil && !machine.isRunning {
            try? self.turns.take(machine.path) { () throws(FabricError) in
                guard var machine = self.book.machine(machine.path), machine.process != nil, !machine.isRunning else {
                    return
                }
                self.machines.end(&machine, patience: 0)
                machine.isWanted = false
                machine.step = nil
                try self.book.save(machine)
            }
        }
    }

    /// Removes every machine and network of this data directory, and all files.
    func clean() throws(FabricError) {
        for machine in self.book.machines { try self.perform(.delete, on: machine.path) }
        for network in self.book.networks { try self.remove(network: network.path) }
        try self.networks.filterBox([])
        try SmallFile.removeTree(self.book.folder)
    }
}

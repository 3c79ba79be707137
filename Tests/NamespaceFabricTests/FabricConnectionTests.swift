import Fabric
import FoundationEssentials
import Synchronization
import Testing
import Vocabulary

@testable import NamespaceFabric

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a scripted service was asked.
private final class Seen: Sendable {
    let kinds = Mutex<[FabricRequest.Kind]>([])
}

/// A service that answers with what a test tells it, on a real socket; with nothing it ends the connection, as one does that is killed.
private final class ScriptedService: Sendable {
    let data: String
    let seen = Seen()
    private let listener: Int32

    init(_ answer: @escaping @Sendable (FabricRequest) -> (FabricAnswer, Int32)?) throws {
        var template = Array("/tmp/fabric-XXXXXX".utf8CString)
        self.data = String(cString: try #require(mkdtemp(&template)))
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        try MessageSocket.withAddress(FabricService.path(in: self.data)) { address, size throws(FabricError) in
            guard bind(listener, address, size) == 0, listen(listener, 8) == 0 else { throw .last("bind", of: "") }
        }
        _ = NamespaceThread.detach { [seen] in
            while true {
                let accepted = accept(listener, nil, nil)
                guard accepted >= 0 else { return }
                _ = NamespaceThread.detach {
                    let socket = MessageSocket(accepted)
                    while let (request, _) = try? socket.receive(FabricRequest.self) {
                        seen.kinds.withLock { $0.append(request.kind) }
                        guard let (reply, descriptor) = answer(request) else { return }
                        try? socket.send(reply, descriptor: descriptor)
                        if descriptor >= 0 { close(descriptor) }
                    }
                }
            }
        }
    }

    deinit {
        shutdown(self.listener, Int32(SHUT_RDWR))
        close(self.listener)
        try? FileManager.default.removeItem(atPath: self.data)
    }
}

@Suite("The server's half") struct FabricConnectionTests {
    let machine = ResourcePath.root.appending("virtualMachines", "one")
    let network = ResourcePath.root.appending("virtualNetworks", "red")

    private func snapshot(_ version: UInt64, _ state: MachineState, run: UInt64? = nil) -> FabricSnapshot {
        FabricSnapshot(
            version: version,
            run: run,
            networks: [self.network],
            machines: [.init(path: self.machine, state: state)],
            substitute: "trixie"
        )
    }

    @Test("remembers what an answer says") func remembers() async throws {
        let service = try ScriptedService { [self] _ in (FabricAnswer(self.snapshot(7, .running)), -1) }
        let fabric = FabricConnection(data: service.data)
        #expect(fabric.state(of: self.machine) == nil)
        try await fabric.refresh()
        #expect(fabric.state(of: self.machine) == .running)
        #expect(fabric.has(network: self.network))
        #expect(fabric.image(for: .init(publisher: "Canonical", offer: "x", sku: "y"))?.id == "trixie")
    }

    @Test("forgets nothing newer for an older answer") func keepsNewer() async throws {
        let version = Mutex<UInt64>(9)
        let service = try ScriptedService { [self] _ in
            let now = version.withLock { number in
                number -= 1
                return number
            }
            return (FabricAnswer(self.snapshot(now, now == 8 ? .stopped : .running)), -1)
        }
        let fabric = FabricConnection(data: service.data)
        try await fabric.refresh()
        try await fabric.refresh()
        #expect(fabric.state(of: self.machine) == .stopped)
    }

    @Test("believes a service that was started again, though it counts from the beginning")
    func startedAgain() async throws {
        let run = Mutex<UInt64>(0)
        let service = try ScriptedService { [self] _ in
            let now = run.withLock { number in
                number += 1
                return number
            }
            return (FabricAnswer(self.snapshot(now == 1 ? 9 : 1, now == 1 ? .running : .stopped, run: now)), -1)
        }
        let fabric = FabricConnection(data: service.data)
        try await fabric.refresh()
        try await fabric.refresh()
        #expect(fabric.state(of: self.machine) == .stopped)
    }

    @Test("gives an order again to a service that ended in the middle, and gives up in the end")
    func again() async throws {
        let fails = Mutex<Int>(2)
        let service = try ScriptedService { [self] _ in
            let isOver = fails.withLock { number in
                number -= 1
                return number >= 0
            }
            return isOver ? nil : (FabricAnswer(self.snapshot(1, .running)), -1)
        }
        let fabric = FabricConnection(data: service.data)
        try await fabric.perform(.start, on: self.machine)
        #expect(service.seen.kinds.withLock { $0 } == [.perform, .perform, .perform])
        fails.withLock { $0 = 9 }
        await #expect(throws: Problem("FabricUnavailable", shown: "")) {
            try await fabric.perform(.start, on: self.machine)
        }
    }

    @Test("tells why an order failed") func failure() async throws {
        let service = try ScriptedService { _ in (FabricAnswer(Problem("OutOfCapacity", shown: "Full.")), -1) }
        let fabric = FabricConnection(data: service.data)
        await #expect(throws: Problem("OutOfCapacity", shown: "")) {
            try await fabric.perform(.start, on: self.machine)
        }
    }

    @Test("expects the service of a directory where one has made something, though nobody answers") func late() throws {
        var template = Array("/tmp/fabric-XXXXXX".utf8CString)
        let data = String(cString: try #require(mkdtemp(&template)))
        defer { try? FileManager.default.removeItem(atPath: data) }
        #expect(!FabricConnection.isExpected(for: data))
        try SmallFile.makeDirectory(FabricService.folder(in: data))
        #expect(FabricConnection.isExpected(for: data))
    }

    @Test("says that a service is away") func away() async throws {
        #expect(!FabricConnection.isExpected(for: "/nonexistent"))
        await #expect(throws: Problem("FabricUnavailable", shown: "")) {
            try await FabricConnection(data: "/nonexistent").refresh()
        }
    }

    @Test("returns the connection that came with the answer, and asks the next time on the same way") func connects()
        async throws
    {
        let service = try ScriptedService { _ in
            var ends: [Int32] = [0, 0]
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
            _ = write(ends[0], "hello", 5)
            close(ends[0])
            return (FabricAnswer(), ends[1])
        }
        let fabric = FabricConnection(data: service.data)
        for _ in 0..<3 {
            let made = try await fabric.connect(to: "10.0.0.4", port: 22, in: self.network, deadline: .seconds(1))
            var bytes = [UInt8](repeating: 0, count: 16)
            #expect(read(made, &bytes, 16) == 5)
            close(made)
        }
        #expect(service.seen.kinds.withLock { $0 } == [.connect, .connect, .connect])
    }

    @Test("gives up a connection that nobody answers at the deadline") func deadline() async throws {
        let service = try ScriptedService { _ in
            // Full at once, so it never becomes writable.
            var ends: [Int32] = [0, 0]
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends)
            let bytes = [UInt8](repeating: 0, count: 4096)
            while write(ends[1], bytes, bytes.count) > 0 {}
            return (FabricAnswer(), ends[1])
        }
        let fabric = FabricConnection(data: service.data)
        await #expect(throws: Problem("ConnectionTimedOut", shown: "")) {
            _ = try await fabric.connect(to: "10.0.0.4", port: 22, in: self.network, deadline: .milliseconds(50))
        }
    }

    @Test("says that a disk is full in so many words, and nothing more of what the box said") func fullDisk() {
        let failure = FabricError.system(call: "write", of: "/var/lib/x", number: ENOSPC)
        #expect(failure.problem == Problem("AllocationFailed", shown: ""))
        #expect(failure.problem.shown.contains("full") && !failure.problem.shown.contains("/var/lib"))
    }

    @Test("reads records of services that knew no unfinished work") func olderRecords() throws {
        let record = MachineRecord(id: "1", path: self.machine, image: "bookworm", hostName: "one", interfaces: [])
        let stored = try JSONEncoder().encode(record)
        #expect(!String(decoding: stored, as: UTF8.self).contains("step"))
        #expect(try JSONDecoder().decode(MachineRecord.self, from: stored).step == nil)
    }

    @Test("hands secrets over only in the order itself") func secrets() throws {
        var order = MachineOrder(path: self.machine, image: "bookworm", hostName: "one", interfaces: [])
        order.administrator = .init(name: "jane", publicKeys: ["ssh-ed25519 AAAA\n evil"], password: Secret("hush"))
        let message = MachineMessage(order)
        let record = MachineRecord(id: "1", path: self.machine, image: "bookworm", hostName: "one", interfaces: [])
        let stored = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
        #expect(!stored.contains("hush"))
        let files = MachineMaker.files(record, gateway: "10.0.0.1", order: message)
        #expect(files["password"] == Array("hush".utf8))
        #expect(files["authorized-keys"] == Array("ssh-ed25519 AAAA evil\n".utf8))
        #expect(MachineMaker.files(record, gateway: "10.0.0.1", order: nil)["password"] == nil)
    }
}

import NIOCore
import NIOSSL
import RDPWire
import Tunnel
import Vocabulary
import WebSocketWire

/// The part of a front that lives on the event loop: does what its machine says, and nothing else.
final class FrontCore {
    private let host: any Channel
    private let plan: FrontPlan
    private let tunnel: Tunnel
    private let deadlines: FrontDeadlines
    private var machine: FrontMachine
    private var client: (any Channel)?
    private var legs: (client: FrontLeg, host: FrontLeg)?
    private var hostTLS: NIOSSLClientHandler?
    private var pending: [FrontMachine.Action] = []
    private var isPerforming = false
    private var timer: (wait: FrontMachine.Wait, scheduled: Scheduled<Void>)?
    private var hasLeft = false

    private var loop: NIOIsolatedEventLoop { self.host.eventLoop.assumeIsolatedUnsafeUnchecked() }

    init(
        host: any Channel,
        plan: FrontPlan,
        tunnel: Tunnel,
        deadlines: FrontDeadlines,
        random: RandomSource,
        clock: TimeSource
    ) {
        self.host = host
        self.plan = plan
        self.tunnel = tunnel
        self.deadlines = deadlines
        self.machine = FrontMachine(
            isPassword: plan.signIn.isPassword,
            needsCredSSP: plan.signIn.needsCredSSP,
            hidden: plan.channels.hidden,
            makeNonce: { random.token(bytes: 32) },
            signIn: HostSignIn(plan: plan, random: random, clock: clock, eventLoop: host.eventLoop).make
        )
    }

    func join(_ client: any Channel) throws {
        guard self.client == nil else {
            client.close(promise: nil)
            return
        }
        self.client = client
        guard client.isActive, !self.machine.isOver else {
            self.run { $0.clientEnded() }
            self.leave(.clientLost)
            return
        }
        let clientLeg = FrontLeg { [weak self] in self?.heardFromClient($0) }
        let hostLeg = FrontLeg { [weak self] in self?.heardFromHost($0) }
        self.legs = (clientLeg, hostLeg)
        // The channels keep the front alive until both are gone.
        client.closeFuture.assumeIsolatedUnsafeUnchecked().whenComplete { _ in _ = self }
        self.host.closeFuture.assumeIsolatedUnsafeUnchecked().whenComplete { _ in _ = self }
        self.tunnel.ended.whenComplete { [plan] _ in
            plan.recorder?.finish()
            plan.settled()
        }
        try client.pipeline.syncOperations.addHandler(clientLeg)
        try self.host.pipeline.syncOperations.addHandler(hostLeg)
        try Self.readLittle(client)
        try Self.readLittle(self.host)
        // The dialler leaves the host unread until there is somebody to read for.
        try self.host.syncOptions?.setOption(.autoRead, value: true)
        self.host.read()
        self.run { _ in [] }
        if !self.host.isActive {
            self.run { $0.hostEnded() }
        }
    }

    /// The most bytes that are read and decrypted at once. With half of it the way to the client costs a third more.
    static let readSize = 32 * 1024

    // Each layer of TLS keeps a buffer as large as the most that ever went through it at once, and a channel keeps as
    // many read buffers as it may fill in a row: with the usual four of 64 KiB a desktop that has shown one picture
    // would hold a megabyte for good. What is written to the client is bounded by `PortionHandler`.
    private static func readLittle(_ channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        try options.setOption(.maxMessagesPerRead, value: 1)
        let allocator = AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: Self.readSize)
        try options.setOption(.recvAllocator, value: allocator)
    }

    func order(_ end: TunnelEnd) {
        if self.machine.isOver {
            self.tunnel.end(end)
        } else {
            self.run { $0.order(end) }
        }
    }

    // MARK: What is heard

    private func heardFromClient(_ notice: FrontLeg.Notice) {
        switch notice {
        case .bytes(let bytes): self.run { $0.receivedFromClient(bytes.readableBytesView) }
        case .secured: self.run { $0.clientIsSecure() }
        case .ended: self.run { $0.clientEnded() }
        case .serverStopping: self.run { $0.order(.serverStopping) }
        }
    }

    private func heardFromHost(_ notice: FrontLeg.Notice) {
        switch notice {
        case .bytes(let bytes): self.run { $0.receivedFromHost(bytes.readableBytesView) }
        case .secured: self.hostIsSecure()
        case .ended: self.run { $0.hostEnded() }
        case .serverStopping: break
        }
    }

    private func hostIsSecure() {
        guard let certificate = try? self.hostTLS?.peerCertificate?.toDERBytes(),
            HostTLS.isTrusted(certificate, pinned: self.plan.pinned)
        else {
            self.run { $0.hostIsNotTrusted() }
            return
        }
        self.run { $0.hostIsSecure(certificate: certificate) }
    }

    // MARK: What is done

    // Doing one thing may be heard as another at once, which then waits its turn.
    private func run(_ input: (inout FrontMachine) -> [FrontMachine.Action]) {
        self.pending += input(&self.machine)
        guard !self.isPerforming else { return }
        self.isPerforming = true
        while !self.pending.isEmpty {
            self.perform(self.pending.removeFirst())
        }
        self.isPerforming = false
        self.watch()
    }

    private func perform(_ action: FrontMachine.Action) {
        switch action {
        case .toClient(let bytes):
            self.client?.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        case .toHost(let bytes):
            self.host.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        case .secureClient:
            self.secureClient()
        case .secureHost:
            self.secureHost()
        case .prepare(let proof):
            let prepare = self.plan.prepare
            self.host.eventLoop.makeFutureWithTask { await prepare(proof) }
                .assumeIsolatedUnsafeUnchecked()
                .whenSuccess { verdict in self.run { $0.prepared(verdict) } }
        case .negotiate:
            self.negotiate()
        case .recordClient(let bytes):
            self.plan.recorder?.recordClient(ByteBuffer(bytes: bytes))
        case .recordHost(let bytes):
            self.plan.recorder?.recordHost(ByteBuffer(bytes: bytes))
        case .passThrough:
            self.handOver()
        case .relay(let knowsErrorInfo):
            self.addRelayHandlers(knowsErrorInfo)
            self.handOver()
        case .explain(let end):
            self.client?.triggerUserOutboundEvent(TunnelNotice(end), promise: nil)
        case .end(let end):
            self.sayGoodbye(end)
        }
    }

    private func secureClient() {
        guard let client = self.client, let leg = self.legs?.client else { return }
        do {
            let tls = NIOSSLServerHandler(context: self.plan.certificate)
            try client.pipeline.syncOperations.addHandler(tls, position: .before(leg))
        } catch {
            self.run { $0.clientEnded() }
        }
    }

    private func secureHost() {
        guard let leg = self.legs?.host, let context = HostTLS.context,
            let tls = try? NIOSSLClientHandler(context: context, serverHostname: nil)
        else {
            self.run { $0.hostEnded() }
            return
        }
        self.hostTLS = tls
        do {
            try self.host.pipeline.syncOperations.addHandler(tls, position: .before(leg))
        } catch {
            self.run { $0.hostEnded() }
        }
    }

    private func negotiate() {
        guard let turn = self.machine.negotiation else { return }
        guard turn.blocks else {
            let outcome = turn.run()
            self.run { $0.negotiated(outcome) }
            return
        }
        guard let running = KerberosThreads.run(on: self.host.eventLoop, { turn.run() }) else {
            self.run { $0.isOverloaded() }
            return
        }
        running.assumeIsolatedUnsafeUnchecked()
            .whenComplete { result in
                switch result {
                case .success(let outcome): self.run { $0.negotiated(outcome) }
                case .failure: self.run { $0.hostEnded() }
                }
            }
    }

    // MARK: Afterwards

    private func addRelayHandlers(_ knowsErrorInfo: Bool) {
        guard let client = self.client else { return }
        do {
            if let recorder = self.plan.recorder {
                try client.pipeline.syncOperations.addHandler(RecordingTap { recorder.recordClient($0) })
                try self.host.pipeline.syncOperations.addHandler(RecordingTap { recorder.recordHost($0) })
            }
            let logon = LogonHandler(channel: self.machine.channel, tell: self.plan.settled)
            try self.host.pipeline.syncOperations.addHandler(logon)
            try client.pipeline.syncOperations.addHandler(
                FarewellHandler(knowsErrorInfo: knowsErrorInfo)
            )
        } catch {
            // A pipeline that takes no handlers is one of a closed channel, which the tunnel finds out.
            client.close(promise: nil)
        }
    }

    private func handOver() {
        guard let client = self.client, let legs = self.legs else { return }
        self.hasLeft = true
        self.addPortions(client, behind: legs.client)
        legs.client.hold(self.machine.fromClient)
        legs.host.hold(self.machine.fromHost)
        self.machine.fromClient = []
        self.machine.fromHost = []
        self.tunnel.join(client, speaking: .announced).assumeIsolatedUnsafeUnchecked().whenComplete { _ in
            legs.client.release()
            legs.host.release()
            self.legs = nil
            self.hostTLS = nil
        }
    }

    private func addPortions(_ client: any Channel, behind leg: FrontLeg) {
        do {
            let valve = FlushValve()
            try client.pipeline.syncOperations.addHandler(valve, position: .first)
            try client.pipeline.syncOperations.addHandler(PortionHandler(valve: valve), position: .after(leg))
        } catch {
            client.close(promise: nil)
        }
    }

    private func sayGoodbye(_ end: TunnelEnd) {
        self.host.close(promise: nil)
        guard let client = self.client, client.isActive, self.legs != nil else {
            self.leave(end)
            return
        }
        self.legs?.client.drop()
        self.legs?.host.drop()
        Tunnel.announce(end, to: client)
        let linger = self.loop.scheduleTask(in: TimeAmount(self.deadlines.linger)) { self.leave(end) }
        client.closeFuture.assumeIsolatedUnsafeUnchecked().whenComplete { _ in
            linger.cancel()
            self.leave(end)
        }
    }

    // The tunnel closes what is still open and reports.
    private func leave(_ end: TunnelEnd) {
        guard !self.hasLeft else { return }
        self.tunnel.end(end)
        guard let client = self.client else { return }
        self.hasLeft = true
        self.legs = nil
        _ = self.tunnel.join(client, speaking: .announced)
    }

    private func watch() {
        let wait = self.client == nil ? nil : self.machine.wait
        guard wait != self.timer?.wait else { return }
        self.timer?.scheduled.cancel()
        self.timer = wait.map { wait in
            let scheduled = self.loop.scheduleTask(in: TimeAmount(self.duration(of: wait))) { [weak self] in
                self?.timer = nil
                self?.run { $0.deadlinePassed(wait) }
            }
            return (wait, scheduled)
        }
    }

    private func duration(of wait: FrontMachine.Wait) -> Duration {
        switch wait {
        case .request, .clientSecurity: self.deadlines.client
        case .person: self.deadlines.person
        case .judgement: self.deadlines.judgement
        case .hostAnswer: self.deadlines.hostAnswer
        case .host: self.deadlines.host
        case .joining: self.deadlines.joining
        }
    }
}

import NIOCore
import WebSocketWire

/// The part of a tunnel that lives on the event loop.
final class TunnelCore {
    private let target: any Channel
    private let limits: TunnelLimits
    private let meter: TrafficMeter
    private let promise: EventLoopPromise<TunnelSummary>
    private var client: (any Channel)?
    private var clientProtocol = Tunnel.ClientProtocol.webSocket
    private var halves: (client: RelayHalf, target: RelayHalf)?
    private var machine = TunnelMachine()
    private var lastByte: NIODeadline
    private var timers: [Scheduled<Void>] = []
    private var idleTimer: Scheduled<Void>?

    init(
        target: any Channel,
        limits: TunnelLimits,
        meter: TrafficMeter,
        promise: EventLoopPromise<TunnelSummary>
    ) {
        self.target = target
        self.limits = limits
        self.meter = meter
        self.promise = promise
        self.lastByte = target.eventLoop.now
    }

    func join(_ client: any Channel, speaking clientProtocol: Tunnel.ClientProtocol) throws {
        guard client.isActive, self.machine.isOpen, self.client == nil else {
            client.close(promise: nil)
            self.client = self.client ?? client
            self.target.close(promise: nil)
            self.perform(self.machine.closed(.client) + self.machine.closed(.target))
            return
        }
        self.client = client
        self.clientProtocol = clientProtocol
        let clientHalf = RelayHalf { [weak self] in self?.heard($0, from: .client) }
        let targetHalf = RelayHalf { [weak self] in self?.heard($0, from: .target) }
        // The halves keep the tunnel alive until both channels are gone.
        client.closeFuture.assumeIsolatedUnsafeUnchecked().whenComplete { _ in _ = self }
        self.target.closeFuture.assumeIsolatedUnsafeUnchecked().whenComplete { _ in _ = self }
        self.halves = (clientHalf, targetHalf)
        if clientProtocol == .webSocket {
            try client.pipeline.syncOperations.addHandler(
                WebSocketByteHandler(role: .server, keepAlive: self.limits.keepAlive.map { TimeAmount($0) })
            )
        }
        try client.pipeline.syncOperations.addHandler(clientHalf)
        try self.target.pipeline.syncOperations.addHandler(targetHalf)
        RelayHalf.join(clientHalf, targetHalf)
        self.startTimers()
        // The dialler leaves the target unread until there is somebody to read for.
        try self.target.syncOptions?.setOption(.autoRead, value: true)
        self.target.read()
        if !self.target.isActive {
            self.perform(self.machine.closed(.target))
        }
    }

    func order(_ end: TunnelEnd) {
        self.perform([self.machine.order(end)].compactMap { $0 })
    }

    private func heard(_ notice: RelayHalf.Notice, from side: TunnelSide) {
        switch notice {
        case .touched(let bytes):
            self.lastByte = self.target.eventLoop.now
            self.meter.count(bytes, from: side)
        case .inputEnded(let withGoodbye):
            let clientEnd = withGoodbye || self.clientProtocol == .bytes ? TunnelEnd.clientClosed : .clientLost
            self.perform(self.machine.ended(side, because: side == .client ? clientEnd : .targetClosed))
        case .failed(let error):
            self.failed(side, error)
        case .closed:
            self.perform(self.machine.closed(side))
        case .serverStopping where self.limits.drain > .zero:
            self.schedule(self.limits.drain) { $0.order(.serverStopping) }
        case .serverStopping:
            self.order(.serverStopping)
        }
    }

    private func failed(_ side: TunnelSide, _ error: any Error) {
        switch side {
        case .client where error is WebSocketWireError:
            // The WebSocket handler has sent the close frame and closes the channel.
            self.perform(self.machine.ended(.client, because: .clientMisbehaved))
        case .client:
            self.perform(self.machine.ended(.client, because: .clientLost))
            self.client?.close(promise: nil)
        case .target:
            self.perform(self.machine.ended(.target, because: .targetLost))
            self.target.close(promise: nil)
        }
    }

    private func perform(_ action: TunnelMachine.Action?) {
        self.perform([action].compactMap { $0 })
    }

    private func perform(_ actions: [TunnelMachine.Action]) {
        for action in actions {
            switch action {
            case .finishTarget:
                self.halves?.target.discard()
                self.target.close(mode: .output, promise: nil)
                self.schedule(self.limits.linger) { $0.perform($0.machine.lingered()) }
            case .finishClient(let end):
                self.halves?.client.discard()
                self.finishClient(end)
                self.target.close(promise: nil)
                self.schedule(self.limits.linger) { $0.perform($0.machine.lingered()) }
            case .closeBoth:
                self.client?.close(promise: nil)
                self.target.close(promise: nil)
            case .report(let end):
                self.timers.forEach { $0.cancel() }
                self.idleTimer?.cancel()
                self.halves = nil
                self.promise.succeed(TunnelSummary(end: end, traffic: self.meter.reading))
            }
        }
    }

    private func finishClient(_ end: TunnelEnd) {
        guard let client = self.client else { return }
        switch self.clientProtocol {
        case .webSocket: client.triggerUserOutboundEvent(end.webSocketEnd, promise: nil)
        case .bytes: client.close(mode: .output, promise: nil)
        case .announced: Tunnel.announce(end, to: client)
        }
    }

    private func startTimers() {
        if let total = self.limits.total {
            self.schedule(total) { $0.order(.tooOld) }
        }
        if let idle = self.limits.idle {
            self.watchIdle(TimeAmount(idle))
        }
    }

    private func watchIdle(_ limit: TimeAmount) {
        self.idleTimer = self.target.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(
            deadline: self.lastByte + limit
        ) { [weak self] in
            guard let self else { return }
            if self.target.eventLoop.now >= self.lastByte + limit {
                self.order(.idle)
            } else {
                self.watchIdle(limit)
            }
        }
    }

    private func schedule(_ delay: Duration, _ body: @escaping (TunnelCore) -> Void) {
        self.timers.append(
            self.target.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: TimeAmount(delay)) { [weak self] in
                if let self {
                    body(self)
                }
            }
        )
    }
}

/// Decides what to do when one end of a tunnel stops; knows no channel and no clock.
struct TunnelMachine: ~Copyable {
    enum Action: Hashable {
        /// Tell the client, close the target, and give the client the linger time.
        case finishClient(TunnelEnd)
        /// Close the target's output, so that what was written reaches it, and give it the linger time.
        case finishTarget(TunnelEnd)
        /// Close both now.
        case closeBoth
        /// Both are closed: tell the owner.
        case report(TunnelEnd)
    }

    private enum State {
        case open
        case ending(TunnelEnd)
        case over
    }

    private var state = State.open
    private var isClientOpen = true
    private var isTargetOpen = true

    /// Whether bytes still pass.
    var isOpen: Bool {
        if case .open = self.state { true } else { false }
    }

    /// One side will send nothing more, or its protocol broke.
    mutating func ended(_ side: TunnelSide, because end: TunnelEnd) -> Action? {
        switch self.state {
        case .open:
            self.state = .ending(end)
            return side == .client ? .finishTarget(end) : .finishClient(end)
        case .ending, .over:
            return nil
        }
    }

    /// A rule or a person ended it.
    mutating func order(_ end: TunnelEnd) -> Action? {
        guard case .open = self.state else { return nil }
        self.state = .ending(end)
        return .finishClient(end)
    }

    /// The time for the other side to finish is over.
    mutating func lingered() -> Action? {
        guard case .ending = self.state else { return nil }
        return .closeBoth
    }

    /// One side's channel is closed.
    mutating func closed(_ side: TunnelSide) -> [Action] {
        switch side {
        case .client: self.isClientOpen = false
        case .target: self.isTargetOpen = false
        }
        var actions: [Action] = []
        if let first = self.ended(side, because: side == .client ? .clientLost : .targetClosed) {
            actions.append(first)
        }
        if !self.isClientOpen, !self.isTargetOpen, case .ending(let end) = self.state {
            self.state = .over
            actions.append(.report(end))
        }
        return actions
    }
}

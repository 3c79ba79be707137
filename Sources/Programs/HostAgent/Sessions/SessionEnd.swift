import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Ends a session: a message on its terminals, then its connection, then whatever is left of it.
///
/// The order is measured: text written less than about 100 ms before the signal is lost; the privileged process must get SIGTERM first, because after
/// SIGKILL it runs no PAM close and leaves the shell alive.
struct SessionEnd: Sendable {
    let processes: SessionProcesses
    /// Sends a signal; replaced in tests.
    let send: @Sendable (_ pid: Int32, _ signal: Int32) -> Void
    /// Writes to a terminal; replaced in tests.
    let show: @Sendable (_ terminal: String, _ text: String) -> Void
    /// Waits; replaced in tests.
    let pause: @Sendable (Duration) async -> Void
    /// Kills everything that runs under a number; replaced in tests.
    let reap: @Sendable (_ uid: UInt32) async throws(HostAgentError) -> Void
    /// The sessions' control groups; nil where only signals are used.
    var groups: SessionGroups? = nil

    /// How many looks in a row must find nothing: one may miss a process that forks just then.
    static let looks = 5
    /// How many rounds of signals are tried.
    private static let rounds = 4

    /// Makes one that acts on the host.
    static func onHost(_ processes: SessionProcesses) -> SessionEnd {
        SessionEnd(
            processes: processes,
            send: { pid, signal in _ = kill(pid, signal) },
            show: Self.write,
            pause: { try? await Task.sleep(for: $0) },
            reap: { uid throws(HostAgentError) in try await Reaper.run(uid) },
            groups: SessionGroups(processes.table)
        )
    }

    /// Ends the session; returns the numbers of processes that would not die.
    func end(_ session: Session, message: String) async -> [Int32] {
        let before = self.processes.of(session)
        let terminals = Set(before.compactMap(\.terminalPath))
        for terminal in terminals.sorted() {
            self.show(terminal, "\r\n\u{7}*** Sallyport: \(PrintableText.of(message, limit: 400)) ***\r\n")
        }
        if !terminals.isEmpty { await self.pause(.milliseconds(150)) }
        if self.processes.isConnected(session) {
            self.send(session.pid, SIGTERM)
            await self.wait { !self.processes.isConnected(session) }
        }
        for round in 0..<Self.rounds {
            let left = await self.left(of: session)
            // What forks faster than anybody looks is in the group all the same.
            if round > 0 || left.isEmpty {
                self.groups?.kill(session, found: left.map(\.pid), spared: self.processes.spared)
            }
            guard !left.isEmpty else { return [] }
            for process in left {
                self.send(process.pid, round == 0 ? SIGTERM : SIGKILL)
                // A stopped process gets no signal but SIGKILL before it runs again.
                if round == 0 { self.send(process.pid, SIGCONT) }
            }
            await self.wait { self.processes.of(session).isEmpty }
        }
        return await self.left(of: session).map(\.pid)
    }

    /// The processes of a session that still run; nothing only after several looks in a row.
    func left(of session: Session) async -> [ProcessFacts] {
        for look in 1...Self.looks {
            let found = self.processes.of(session)
            guard found.isEmpty else { return found }
            if look < Self.looks { await self.pause(.milliseconds(20)) }
        }
        return []
    }

    private func wait(until isGone: () -> Bool) async {
        for _ in 0..<10 where !isGone() {
            await self.pause(.milliseconds(30))
        }
    }

    private static func write(_ terminal: String, _ text: String) {
        // A terminal whose output was stopped must not stop the agent.
        let descriptor = open(terminal, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        try? HostFile.write(Array(text.utf8), to: descriptor, path: terminal)
    }
}

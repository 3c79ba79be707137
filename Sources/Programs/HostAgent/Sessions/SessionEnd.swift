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

    /// Makes one that acts on the host.
    static func onHost(_ processes: SessionProcesses) -> SessionEnd {
        SessionEnd(
            processes: processes,
            send: { pid, signal in _ = kill(pid, signal) },
            show: Self.write,
            pause: { try? await Task.sleep(for: $0) }
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
            await self.waitUntilGone(session) { !self.processes.isConnected(session) }
        }
        for signal in [SIGTERM, SIGKILL, SIGKILL] {
            let left = self.processes.of(session)
            guard !left.isEmpty else { return [] }
            for process in left {
                self.send(process.pid, signal)
                // A stopped process gets no signal but SIGKILL before it runs again.
                if signal == SIGTERM { self.send(process.pid, SIGCONT) }
            }
            await self.waitUntilGone(session) { self.processes.of(session).isEmpty }
        }
        return self.processes.of(session).map(\.pid)
    }

    private func waitUntilGone(_ session: Session, _ isGone: () -> Bool) async {
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

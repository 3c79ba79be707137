import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The right to be this host's agent, which one process has at a time.
///
/// A second agent would take the socket away from the first, and leave none when it ends: nobody could sign in any more. The kernel gives the
/// lock back when the process ends, however it ends.
struct AgentLock: ~Copyable {
    /// How long the agent before has to finish, after a restart.
    static let patience: Duration = .seconds(5)

    private let descriptor: Int32

    /// Takes the lock, waiting for an agent that is just ending. Throws when another one stays.
    static func take(
        _ layout: HostLayout,
        patience: Duration = AgentLock.patience,
        pause: (Duration) async -> Void = { try? await Task.sleep(for: $0) }
    ) async throws(HostAgentError) -> AgentLock {
        let path = layout.lockFile
        let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(call: "open", path: path, code: errno) }
        var waited: Duration = .zero
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            guard code == EWOULDBLOCK || code == EINTR, waited < patience else {
                close(descriptor)
                throw code == EWOULDBLOCK
                    ? .configuration("sally-agent runs on this machine already: see sally-agent status")
                    : .system(call: "flock", path: path, code: code)
            }
            await pause(.milliseconds(50))
            waited += .milliseconds(50)
        }
        return AgentLock(descriptor: descriptor)
    }

    deinit {
        close(self.descriptor)
    }

    /// Lets another agent begin.
    consuming func release() {}
}

/// Finds the processes that belong to a session.
///
/// The kernel's audit session is inherited through setsid, nohup and sudo, so it finds detached processes too. Where the kernel has none, the mark in
/// the environment and the ancestry are what there is: a process that detaches and clears its environment then escapes.
struct SessionProcesses: Sendable {
    let table: ProcessTable
    /// The agent's own process, which an administrator may have started inside a session.
    let own: Int32
    /// The sshd that takes connections: it may have been restarted inside a session too, and everybody comes in through it.
    let listener: @Sendable () -> Int32?

    init(table: ProcessTable, own: Int32, listener: @escaping @Sendable () -> Int32? = { nil }) {
        self.table = table
        self.own = own
        self.listener = listener
    }

    /// The processes of a session that run now, the connection's privileged process first when it is one of them.
    func of(_ session: Session) -> [ProcessFacts] {
        let all = self.table.all()
        let isConnected = all.contains { $0.pid == session.pid && $0.startTime == session.startTime }
        let descendants = isConnected ? Self.family(of: session.pid, in: all) : []
        let spared = self.spared(session, all, isConnected: isConnected)
        return all.filter { process in
            guard process.pid != self.own, process.pid > 1 else { return false }
            if descendants.contains(process.pid) { return !spared.always.contains(process.pid) }
            // What is older than the session did not come from it, whatever it carries.
            guard process.startTime >= session.startTime, !spared.unlessDescended.contains(process.pid) else {
                return false
            }
            if let audit = session.auditSession { return self.table.auditSession(process.pid) == audit }
            return self.table.environment(process.pid, contains: session.mark)
        }
        .sorted { one, other in
            (one.pid == session.pid ? 0 : 1, one.pid) < (other.pid == session.pid ? 0 : 1, other.pid)
        }
    }

    /// Whether the connection's privileged process still runs.
    func isConnected(_ session: Session) -> Bool {
        self.table.facts(session.pid)?.startTime == session.startTime
    }

    /// Who must not be killed with a session: the agent, and the sshd that takes connections.
    var spared: Set<Int32> { Set([self.own, self.listener()].compactMap { $0 }) }

    // The listener, other people's connections, which are its children, and what the connection itself came from.
    private func spared(
        _ session: Session,
        _ all: [ProcessFacts],
        isConnected: Bool
    ) -> (always: Set<Int32>, unlessDescended: Set<Int32>) {
        var always: Set<Int32> = []
        var unlessDescended: Set<Int32> = []
        if let listener = self.listener(), listener != session.pid {
            always.insert(listener)
            unlessDescended.formUnion(Self.family(of: listener, in: all))
        }
        if isConnected {
            unlessDescended.formUnion(self.table.ancestors(of: session.pid).map(\.pid))
        }
        return (always, unlessDescended)
    }

    private static func family(of pid: Int32, in all: [ProcessFacts]) -> Set<Int32> {
        var family: Set<Int32> = [pid]
        var grew = true
        while grew {
            grew = false
            for process in all where family.contains(process.parent) {
                grew = family.insert(process.pid).inserted || grew
            }
        }
        return family
    }
}

/// Finds the processes that belong to a session.
///
/// The kernel's audit session is inherited through setsid, nohup and sudo, so it finds detached processes too. Where the kernel has none, the mark in
/// the environment and the ancestry are what there is: a process that detaches and clears its environment then escapes.
struct SessionProcesses: Sendable {
    let table: ProcessTable
    /// The agent's own process, which an administrator may have started inside a session.
    let own: Int32

    /// The processes of a session that run now, the connection's privileged process first when it is one of them.
    func of(_ session: Session) -> [ProcessFacts] {
        let all = self.table.all()
        var descendants: Set<Int32> = []
        if all.contains(where: { $0.pid == session.pid && $0.startTime == session.startTime }) {
            descendants.insert(session.pid)
            var grew = true
            while grew {
                grew = false
                for process in all where descendants.contains(process.parent) {
                    grew = descendants.insert(process.pid).inserted || grew
                }
            }
        }
        return all.filter { process in
            guard process.pid != self.own, process.pid > 1 else { return false }
            if descendants.contains(process.pid) { return true }
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
}

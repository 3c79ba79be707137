import AgentWire
import Logging
import Vocabulary

extension Doorkeeper {
    /// The sessions with a connection.
    var connected: [Session] { self.sessions.connected }

    /// Takes note that a connection is over.
    func sessionClosed(connection pid: Int32) async -> LocalReply {
        guard let facts = self.processes.table.facts(pid),
            let session = self.sessions.session(of: pid, startTime: facts.startTime)
        else { return .notFound }
        await self.connectionEnded(session, reason: "closed")
        return .allowed
    }

    /// Ends the sessions that an order means; returns how many.
    func end(_ order: EndOrder) async -> Int {
        await self.end(self.sessions.sessions(meantBy: order), message: order.message, reason: "ended")
    }

    /// Ends all sessions of people who may no longer enter, and whatever else runs under their numbers; and those of people who are administrators
    /// no longer, because what they started with sudo is root's and would go on.
    func end(after loss: AccountBook.Loss) async {
        let sessions = self.sessions.sessions.values
        _ = await self.end(
            sessions.filter { loss.gone.contains($0.objectId) },
            message: "your permission to use this machine was taken away.",
            reason: "permission removed"
        )
        let meant = self.sessions.sessions.values.filter { loss.demoted.contains($0.objectId) }
        await self.endAdministrators(meant)
        for id in loss.gone {
            // Whether or not a session is known: a process may have outlived the last one unseen.
            guard let person = self.accounts.read({ $0.people[id] }), !person.mayEnter else { continue }
            await self.reap(id, number: person.account.uid)
        }
    }

    /// Ends everything, because signing in is switched off or the host leaves.
    func endAll(message: String) async {
        _ = await self.end(Array(self.sessions.sessions.values), message: message, reason: "sign-in switched off")
    }

    /// Looks after sessions: those whose certificates have expired, when that ends them, those whose people are administrators no longer, those whose
    /// connections are gone, and, when done `thoroughly`, those of which nothing is left and those of which something is left that should not be.
    func lookAfter(cutAtExpiry: Bool, thoroughly: Bool) async {
        if cutAtExpiry {
            _ = await self.end(
                self.sessions.expired(at: self.time.now),
                message: "your certificate has expired. Sign in again to go on.",
                reason: "certificate expired"
            )
        }
        await self.lookAfterAdministrators()
        for session in self.sessions.sessions.values where !self.endings.contains(session.id) {
            if !session.isLingering {
                if !self.processes.isConnected(session) {
                    await self.connectionEnded(session, reason: "connection lost")
                }
            } else if thoroughly, session.isCondemned {
                _ = await self.end([session], message: "this session was ended.", reason: "processes were left")
            } else if thoroughly, await self.ending.left(of: session).isEmpty, !self.endings.contains(session.id) {
                self.sessions.close(session.id)
                self.save()
            }
        }
        self.forgetOldVisitors()
    }

    // Sudo goes by today's list, in sessions that began without the role too.
    private func lookAfterAdministrators() async {
        let sessions = self.sessions.sessions.values
        // Who is not in the book at all is not judged here: an agent that forgot somebody still has to hear from the server.
        let standings = self.accounts.read { book in
            sessions.compactMap { session in
                book.people[session.objectId].map { _ in (session, book.isAdministrator(session.objectId)) }
            }
        }
        let promoted = standings.filter { $1 && !$0.wasAdministrator }
        for (session, _) in promoted { self.sessions.promote(session.id) }
        if !promoted.isEmpty { self.save() }
        await self.endAdministrators(standings.filter { !$1 && $0.wasAdministrator }.map(\.0))
    }

    private func endAdministrators(_ meant: [Session]) async {
        guard !meant.isEmpty else { return }
        _ = await self.end(
            meant,
            message: "Your administrator role on \(HostFacts.hostname()) was taken away: sign in again.",
            reason: "administrator role removed"
        )
    }

    private func end(_ meant: [Session], message: String, reason: String) async -> Int {
        let due = meant.filter { self.endings.insert($0.id).inserted }
        guard !due.isEmpty else { return 0 }
        await withTaskGroup(of: Void.self) { group in
            for session in due {
                group.addTask { await self.end(session, message: message, reason: reason) }
            }
        }
        await self.reapOwners(of: due)
        for session in due { self.endings.remove(session.id) }
        return due.count
    }

    private func end(_ session: Session, message: String, reason: String) async {
        let left = await self.ending.end(session, message: message)
        if left.isEmpty {
            self.sessions.close(session.id)
        } else {
            self.sessions.condemn(session.id)
        }
        self.save()
        self.log.notice(
            "session ended",
            metadata: ["user": "\(session.user)", "session": "\(session.id)", "because": "\(reason)"]
        )
        if !session.isLingering { await self.link.tell(.sessionClosed(session: session.id, reason: reason)) }
    }

    // Looks at the process table may miss what forks all the time; the kernel does not. It knows people, not sessions: somebody's other sessions are
    // spared unless something of the ended one is seen to survive.
    private func reapOwners(of ended: [Session]) async {
        for (id, sessions) in Dictionary(grouping: ended, by: \.objectId) {
            let hasOthers = self.sessions.sessions.values.contains {
                $0.objectId == id && !self.endings.contains($0.id)
            }
            let condemned = sessions.filter { self.sessions.sessions[$0.id] != nil }
            guard !condemned.isEmpty || !hasOthers else { continue }
            for number in Set(sessions.map(\.uid)) { await self.reap(id, number: number) }
            for session in condemned {
                let left = await self.ending.left(of: session)
                if left.isEmpty {
                    self.sessions.close(session.id)
                    self.save()
                } else {
                    self.log.error(
                        "processes survive",
                        metadata: ["session": "\(session.id)", "processes": "\(left.map(\.pid))"]
                    )
                }
            }
        }
    }

    private func reap(_ id: GUID, number: UInt32) async {
        guard self.accounts.owns(id, number: number) else { return }
        do throws(HostAgentError) {
            try await self.ending.reap(number)
        } catch {
            self.log.error(
                "not everything of a person was ended",
                metadata: ["uid": "\(number)", "because": "\(error)"]
            )
        }
    }

    private func connectionEnded(_ session: Session, reason: String) async {
        self.sessions.linger(session.id)
        self.save()
        self.log.info("session closed", metadata: ["user": "\(session.user)", "session": "\(session.id)"])
        // An ending in progress reports for itself.
        guard !self.endings.contains(session.id) else { return }
        await self.link.tell(.sessionClosed(session: session.id, reason: reason))
    }
}

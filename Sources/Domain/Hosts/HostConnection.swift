import AgentWire
import Vocabulary

/// One control channel of a host, for whoever holds the socket: give it the frames in order, one after the other.
public struct HostConnection: Sendable {
    let hosts: Hosts
    /// The host at the other end.
    public let host: Host
    let number: Int

    /// Takes a text frame and does what it asks. A frame that is none of the protocol ends the connection.
    public func receive(_ text: [UInt8]) async {
        do {
            let (id, message) = try AgentMessage.decode(text)
            guard self.hosts.live(self.host.id)?.number == self.number else { return }
            do {
                try await self.handle(message, id)
            } catch {
                self.hosts.send(
                    .failure(id: id ?? 0, code: "InternalServerError", message: "The server could not answer."),
                    to: self.host.id
                )
            }
        } catch {
            self.hosts.drop(self.host.id, "The frame is none of this protocol.")
        }
    }

    /// Says that the channel is gone.
    public func closed() {
        self.hosts.disconnect(self.host.id, number: self.number)
    }

    private func handle(_ message: AgentMessage, _ id: Int64?) async throws {
        switch message {
        case .lookup(let name):
            let now = self.hosts.clock.now
            let most = self.hosts.settings.lookupsPerMinute
            let mayLookUp = self.hosts.update(self.host.id, number: self.number) { $0.mayLookUp(at: now, most: most) }
            guard mayLookUp == true else {
                self.hosts.send(
                    .failure(id: id ?? 0, code: "TooManyRequests", message: "Too many look-ups; try again later."),
                    to: self.host.id
                )
                return
            }
            let account = try await self.hosts.lookUp(name, on: self.host.machine)
            try self.reply(id, LookupAnswer(account: account))
        case .decide(let question):
            try self.reply(id, try await self.hosts.decide(question, for: self.host))
        case .taskEnded(let result): self.hosts.tasks.ended(result, on: self.host.id)
        case .sessionOpened(let report):
            try await self.opened(report)
            try self.acknowledge(id)
        case .sessionClosed(let session, let reason):
            try await self.hosts.closed(session, reason, on: self.host, number: self.number)
            try self.acknowledge(id)
        case .status(let status):
            try await self.hosts.note(status, of: self.host, number: self.number)
            try self.acknowledge(id)
        case .desktop(let answer):
            self.hosts.answered(answer, by: self.host.id, number: self.number)
        }
    }

    /// Answers a report that was sent as a question.
    private func acknowledge(_ id: Int64?) throws {
        try self.reply(id, [:] as [String: String])
    }

    private func opened(_ report: SessionReport) async throws {
        let session = HostSession(report, on: self.host.machine)
        let most = self.hosts.settings.mostSessions
        let isNoted = self.hosts.update(self.host.id, number: self.number) { live in
            guard live.sessions.count < most else { return false }
            live.sessions[session.id] = session
            return true
        }
        guard isNoted == true else { return }
        try await self.hosts.record(session, "host.openSession", reason: "")
        // What changed between the decision and this report must not be missed.
        try await self.hosts.reviewSession(session, on: self.host.id)
    }

    private func reply(_ id: Int64?, _ answer: some Encodable) throws {
        guard let id else { return }
        self.hosts.send(.reply(id: id, try JSONValue(parsing: JSONText.encode(answer))), to: self.host.id)
    }
}

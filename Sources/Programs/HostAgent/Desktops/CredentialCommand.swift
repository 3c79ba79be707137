import AgentWire
import Vocabulary

/// Credentials on hosts that have no PAM: a program of the host's own sets a password for an account, and takes it back.
///
/// It is run with the argument `set` and five lines on standard input (the person's name, the password, the object id, `administrator` or `user`, the
/// name that people read), with `lock` and two (name, object id), and with `lock-all` and none when the agent starts. What it prints after `set`
/// is the account's name to sign in with, and on a second line its domain; the person's name when it prints nothing. One account has one
/// password at a time, so runs for one person come one after the other, and somebody who opens two desktops at one moment gets the same one twice.
actor CredentialCommand {
    /// A password that is set now.
    private struct Standing: Sendable {
        var answer: (user: String, domain: String)
        var password: Secret<[UInt8]>
        var name: String
        var administrator: Bool
        var setAt: Instant
        /// The wishes that it was given out for, and when.
        var requests: [GUID: Instant]
    }

    /// Runs the program with an argument and standard input; returns what it printed. Replaced in tests.
    typealias Run =
        @Sendable (_ argument: String, _ input: [UInt8]) async throws(HostAgentError) -> String

    private let run: Run
    private let time: TimeSource
    private let random: RandomSource
    private var standing: [GUID: Standing] = [:]
    private var busy: Set<GUID> = []
    private var waiting: [GUID: [CheckedContinuation<Void, Never>]] = [:]

    init(run: @escaping Run, time: TimeSource = .system, random: RandomSource = .system) {
        self.run = run
        self.time = time
        self.random = random
    }

    /// A credential for a person; the program has set it when this returns.
    func credential(for order: DesktopOrder) async throws(HostAgentError) -> DesktopAnswer {
        let account = order.account
        await self.begin(account.objectId)
        defer { self.end(account.objectId) }
        let now = self.time.now
        // Whose role has changed meanwhile is set anew: the program gives the account its groups.
        if var known = self.standing[account.objectId], known.setAt <= now, now - known.setAt < DesktopSecrets.life,
            known.administrator == account.administrator
        {
            known.requests[order.request] = now
            self.standing[account.objectId] = known
            return self.answer(order, known)
        }
        // A word in front, because Windows wants characters of three kinds.
        let password = Array(("Aa1-" + self.random.token(bytes: 24)).utf8)
        let head = Array("\(account.name)\n".utf8) + password
        let role = account.administrator ? "administrator" : "user"
        let tail = "\n\(account.objectId)\n\(role)\n\(PrintableText.of(account.displayName, limit: 100))\n"
        let printed = try await self.run("set", head + Array(tail.utf8))
        let lines = printed.split(whereSeparator: \.isNewline).map { PrintableText.of($0.trimmed, limit: 256) }
        let new = Standing(
            answer: (lines.first ?? account.name, lines.count > 1 ? lines[1] : ""),
            password: Secret(password),
            name: account.name,
            administrator: account.administrator,
            setAt: now,
            requests: [order.request: now]
        )
        self.standing[account.objectId] = new
        return self.answer(order, new)
    }

    /// A sign-in is over; with the last one of a person the password is taken back.
    func settle(_ request: GUID) async {
        for (id, known) in self.standing where known.requests[request] != nil {
            self.standing[id]?.requests[request] = nil
            if self.standing[id]?.requests.isEmpty ?? false { await self.lock(id) }
        }
    }

    /// Takes back what has been waiting for too long.
    func lookAfter() async {
        let now = self.time.now
        for (id, known) in self.standing {
            let fresh = known.requests.filter { now - $0.value < DesktopSecrets.life && $0.value <= now }
            self.standing[id]?.requests = fresh
            if fresh.isEmpty { await self.lock(id) }
        }
    }

    /// Takes everything back, because the agent begins or ends.
    func lockAll() async throws(HostAgentError) {
        self.standing = [:]
        _ = try await self.run("lock-all", [])
    }

    private func lock(_ id: GUID) async {
        await self.begin(id)
        defer { self.end(id) }
        // Somebody may have begun another sign-in while this waited.
        guard let known = self.standing[id], known.requests.isEmpty else { return }
        do {
            _ = try await self.run("lock", Array("\(known.name)\n\(id)\n".utf8))
            self.standing[id] = nil
        } catch {
            // It is tried again at the next look.
        }
    }

    private func answer(_ order: DesktopOrder, _ known: Standing) -> DesktopAnswer {
        DesktopAnswer(
            request: order.request,
            user: known.answer.user,
            domain: known.answer.domain,
            password: known.password
        )
    }

    private func begin(_ id: GUID) async {
        while self.busy.contains(id) {
            await withCheckedContinuation { self.waiting[id, default: []].append($0) }
        }
        self.busy.insert(id)
    }

    private func end(_ id: GUID) {
        self.busy.remove(id)
        for one in self.waiting.removeValue(forKey: id) ?? [] { one.resume() }
    }
}

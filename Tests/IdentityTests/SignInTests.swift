import Audit
import Identity
import Passwords
import SQLiteStorage
import Storage
import TestKit
import Testing
import Vocabulary

struct SignInTests {
    private let right = "Correct horse 1"

    private func attempt(
        _ world: DirectoryWorld,
        _ password: String,
        as name: String = "alice",
        from source: String = "a"
    )
        async throws -> String?
    {
        try await world.directory.signIn(
            userName: "\(name)@contoso.example",
            password: secret(password),
            source: source
        ).refusal
    }

    @Test("lets somebody in with the right password, in any spelling of the name")
    func signsIn() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice", password: self.right)
        let verdict = try await world.directory.signIn(
            userName: "Alice@Contoso.Example",
            password: secret(self.right),
            source: "192.0.2.1"
        )
        guard case .allowed(let user) = verdict else {
            Issue.record("refused")
            return
        }
        #expect(user == alice)
        let event = try #require(try await world.audit.entries(limit: 1).first?.event)
        #expect(event.action == "user.signIn" && event.outcome == .success && event.source == "192.0.2.1")
    }

    @Test("gives a wrong password, an unknown name and an account without a password one answer")
    func tellsNothing() async throws {
        let world = try await DirectoryWorld()
        try await world.user("alice", password: self.right)
        try await world.user("bob")
        var answers: Set<Refusal> = []
        for name in ["alice", "bob", "nobody-here"] {
            let verdict = try await world.directory.signIn(
                userName: "\(name)@contoso.example",
                password: secret("wrong"),
                source: "a"
            )
            guard case .refused(let refusal) = verdict else {
                Issue.record("allowed")
                continue
            }
            answers.insert(refusal)
        }
        #expect(answers.map(\.code) == ["AADSTS50126"])
    }

    @Test("tells that an account is disabled only after the right password")
    func refusesDisabled() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice", password: self.right)
        try await world.directory.setEnabled(alice.id, false)
        #expect(try await self.attempt(world, "wrong") == "AADSTS50126")
        #expect(try await self.attempt(world, self.right) == "AADSTS50057")
    }

    @Test("refuses a temporary password until it is changed, and then the old one")
    func refusesTemporary() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice")
        try await world.directory.setPassword(of: alice.id, to: secret(self.right), mustChange: true)
        #expect(try await self.attempt(world, self.right) == "AADSTS50055")
        func change(_ current: String, _ new: String) async throws -> String? {
            try await world.directory.changePassword(
                userName: "alice@contoso.example",
                current: secret(current),
                to: secret(new),
                source: "a"
            ).refusal
        }
        #expect(try await change("wrong", "Another horse 2") == "AADSTS50126")
        #expect(try await change(self.right, self.right) == "PasswordNotAcceptable")
        #expect(try await change(self.right, "short") == "PasswordNotAcceptable")
        #expect(try await change(self.right, "Another horse 2") == nil)
        #expect(try await self.attempt(world, "Another horse 2") == nil)
        #expect(try await self.attempt(world, self.right) == "AADSTS50126")
    }

    @Test(
        "locks an account after ten different wrong passwords, known or unknown alike",
        arguments: ["alice", "nobody-here"]
    )
    func locks(name: String) async throws {
        let world = try await DirectoryWorld()
        try await world.user("alice", password: self.right)
        for number in 0..<10 {
            #expect(try await self.attempt(world, "wrong \(number)", as: name) == "AADSTS50126")
        }
        #expect(try await self.attempt(world, "wrong", as: name) == "AADSTS50053")
        #expect(try await self.attempt(world, self.right, as: name) == "AADSTS50053")
        world.clock.turn(.seconds(60))
        #expect(try await self.attempt(world, self.right, as: name) == (name == "alice" ? nil : "AADSTS50126"))
    }

    @Test("locks again at the next wrong password after a lock, for twice as long, and starts anew after a right one")
    func locksLonger() async throws {
        let world = try await DirectoryWorld()
        try await world.user("alice", password: self.right)
        for number in 0..<10 { _ = try await self.attempt(world, "wrong \(number)") }
        world.clock.turn(.seconds(60))
        #expect(try await self.attempt(world, "yet another") == "AADSTS50126")
        world.clock.turn(.seconds(119))
        #expect(try await self.attempt(world, self.right) == "AADSTS50053")
        world.clock.turn(.seconds(1))
        #expect(try await self.attempt(world, self.right) == nil)
        for number in 0..<9 { _ = try await self.attempt(world, "again \(number)") }
        #expect(try await self.attempt(world, self.right) == nil)
    }

    @Test("does not let a stranger lock the owner out of a familiar place, however often the owner signs in there")
    func familiarPlaces() async throws {
        let world = try await DirectoryWorld()
        try await world.user("alice", password: self.right)
        #expect(try await self.attempt(world, self.right, from: "2001:db8::1") == nil)
        for number in 0..<10 {
            #expect(try await self.attempt(world, "wrong \(number)", from: "198.51.100.7") == "AADSTS50126")
            #expect(try await self.attempt(world, self.right, from: "2001:db8::2") == nil)
        }
        #expect(try await self.attempt(world, self.right, from: "198.51.100.7") == "AADSTS50053")
        #expect(try await self.attempt(world, self.right, from: "198.51.100.8") == "AADSTS50053")
        #expect(try await self.attempt(world, self.right, from: "2001:db8::3") == nil)
    }

    @Test("locks a familiar place by itself, and a new password lifts that too")
    func familiarLock() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice", password: self.right)
        for source in ["192.0.2.1", "192.0.2.2"] {
            #expect(try await self.attempt(world, self.right, from: source) == nil)
        }
        for number in 0..<10 {
            #expect(try await self.attempt(world, "wrong \(number)", from: "192.0.2.1") == "AADSTS50126")
        }
        #expect(try await self.attempt(world, self.right, from: "192.0.2.1") == "AADSTS50053")
        #expect(try await self.attempt(world, self.right, from: "192.0.2.2") == nil)
        #expect(try await self.attempt(world, self.right, from: "198.51.100.7") == nil)
        try await world.directory.setPassword(of: alice.id, to: secret("Another horse 2"))
        #expect(try await self.attempt(world, "Another horse 2", from: "192.0.2.1") == nil)
    }

    @Test("takes a place for strange again after thirty days without a right sign-in")
    func strangePlaces() async throws {
        let world = try await DirectoryWorld(limits: SignInLimits(threshold: 1))
        try await world.user("alice", password: self.right)
        #expect(try await self.attempt(world, self.right, from: "192.0.2.1") == nil)
        world.clock.turn(.seconds(30 * 86_400 - 1))
        #expect(try await self.attempt(world, "wrong", from: "198.51.100.7") == "AADSTS50126")
        #expect(try await self.attempt(world, self.right, from: "192.0.2.1") == nil)
        world.clock.turn(.seconds(30 * 86_400))
        #expect(try await self.attempt(world, "wrong again", from: "198.51.100.7") == "AADSTS50126")
        #expect(try await self.attempt(world, self.right, from: "192.0.2.1") == "AADSTS50053")
    }

    @Test("remembers no more than the latest fifty places, and none of somebody who is gone")
    func boundsPlaces() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice", password: self.right)
        func places() async throws -> [String] {
            try await world.database.read { reader in
                try reader.rows("SELECT place FROM identity_familiar ORDER BY seen_at").map { try $0.text("place") }
            }
        }
        for number in 0..<52 {
            #expect(try await self.attempt(world, self.right, from: "192.0.2.\(number)") == nil)
            world.clock.turn(.seconds(1))
        }
        #expect(try await places().count == 50)
        #expect(try await places().first == "192.0.2.2")
        try await world.directory.delete(alice.id)
        #expect(try await places().isEmpty)
    }

    @Test("does not lock for longer than the longest lock")
    func boundsLocks() async throws {
        let limits = SignInLimits(threshold: 1, firstLock: .seconds(60), longestLock: .seconds(100))
        let world = try await DirectoryWorld(limits: limits)
        try await world.user("alice", password: self.right)
        for number in 0..<6 {
            #expect(try await self.attempt(world, "wrong \(number)") == "AADSTS50126")
            world.clock.turn(.seconds(100))
        }
        #expect(try await self.attempt(world, self.right) == nil)
    }

    @Test("does not count one wrong password twice")
    func forgivesRepetition() async throws {
        let world = try await DirectoryWorld()
        try await world.user("alice", password: self.right)
        for _ in 0..<20 {
            #expect(try await self.attempt(world, "last year's") == "AADSTS50126")
        }
        #expect(try await self.attempt(world, self.right) == nil)
    }

    @Test("keeps a lock over a restart, and lifts it with a new password")
    func storesLocks() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice", password: self.right)
        for number in 0..<10 { _ = try await self.attempt(world, "wrong \(number)") }
        let again = Directory(
            tenant: world.tenant,
            database: world.database,
            audit: world.audit,
            clock: world.clock.source,
            random: .system,
            passwords: PasswordHasher()
        )
        try await again.load()
        let verdict = try await again.signIn(
            userName: "alice@contoso.example",
            password: secret(self.right),
            source: "a"
        )
        #expect(verdict.refusal == "AADSTS50053")
        try await again.setPassword(of: alice.id, to: secret("Another horse 2"))
        #expect(try await self.attempt(world, "Another horse 2") == nil)
    }

    @Test("answers no more than ten guesses of a burst, and does not give away the right one after that")
    func survivesBursts() async throws {
        let world = try await DirectoryWorld(threads: 2, queue: 100)
        try await world.user("alice", password: self.right)
        let answers = try await withThrowingTaskGroup(of: String?.self) { group in
            for number in 0..<60 {
                group.addTask { try await self.attempt(world, "wrong \(number)") }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count { $0 == "AADSTS50126" } == 10)
        #expect(answers.count { $0 == "AADSTS50053" } == 50)
        #expect(try await self.attempt(world, self.right) == "AADSTS50053")
    }

    @Test("makes an address wait that guesses over many accounts, and lets others in")
    func throttlesSources() async throws {
        let world = try await DirectoryWorld(limits: SignInLimits(sourceThreshold: 5))
        try await world.user("alice", password: self.right)
        for number in 0..<5 {
            _ = try await self.attempt(world, "Summer 2026", as: "user\(number)", from: "198.51.100.7")
        }
        #expect(try await self.attempt(world, self.right, from: "198.51.100.7") == "AADSTS50053")
        #expect(try await self.attempt(world, self.right, from: "198.51.100.8") == nil)
        world.clock.turn(.seconds(600))
        #expect(try await self.attempt(world, self.right, from: "198.51.100.7") == nil)
    }

    @Test("takes one customer's IPv6 addresses for one")
    func throttlesNetworks() async throws {
        let world = try await DirectoryWorld(limits: SignInLimits(sourceThreshold: 5))
        try await world.user("alice", password: self.right)
        for number in 0..<5 {
            _ = try await self.attempt(world, "wrong", as: "user\(number)", from: "2001:db8::\(number)")
        }
        #expect(try await self.attempt(world, self.right, from: "2001:db8::ff:1") == "AADSTS50053")
        #expect(try await self.attempt(world, self.right, from: "2001:db8:0:1::1") == nil)
    }

    @Test("writes refusals into the audit, but one line only for a lock, and never what may be a password")
    func audits() async throws {
        let world = try await DirectoryWorld()
        try await world.user("alice", password: self.right)
        for number in 0..<15 { _ = try await self.attempt(world, "wrong \(number)") }
        let events = try await world.audit.entries().map(\.event).filter { $0.outcome == .refused }
        #expect(events.count { $0.reason == "AADSTS50126" } == 10)
        #expect(events.count { $0.reason == "AADSTS50053" } == 1)
        #expect(events.contains { $0.details["lockedUntil"] != nil && $0.reason == "AADSTS50126" })
        _ = try await world.directory.signIn(userName: "hunter2!", password: secret("x"), source: "a")
        #expect(try await world.audit.entries().allSatisfy { !"\($0.event)".contains("hunter2") })
    }

    @Test("says that it is busy instead of queueing without end")
    func isBounded() async throws {
        let world = try await DirectoryWorld(threads: 1, queue: 0)
        try await world.user("alice", password: self.right)
        let busy = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    do {
                        _ = try await self.attempt(world, self.right)
                        return false
                    } catch {
                        return error as? PasswordError == .busy
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(busy > 0)
        #expect(try await self.attempt(world, self.right) == nil)
    }

    @Test("stores passwords as Argon2id only")
    func hashes() async throws {
        let world = try await DirectoryWorld()
        try await world.user("alice", password: self.right)
        let rows = try await world.database.read { try $0.rows("SELECT password FROM identity_user") }
        #expect(try rows.map { try $0.text("password").hasPrefix("$argon2id$v=19$m=19456,t=2,p=1$") } == [true])
    }

    @Test("renews a hash that was made with other parameters, and keeps the tokens")
    func renewsHashes() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice")
        // `right` with 64 KiB and one pass.
        let old = "$argon2id$v=19$m=64,t=1,p=1$qBAY47z/jQgW9mkKrPqcKA$sJXxbHfQYeEeaSR8iiTyEda0xRarQ91WnMKpHbW6UVU"
        try await world.database.write { try $0.run("UPDATE identity_user SET password = \(old)") }
        let from = try await world.directory.user(alice.id)?.tokensValidFrom
        #expect(try await self.attempt(world, self.right) == nil)
        let row = try await world.database.read { try $0.row("SELECT password FROM identity_user") }
        #expect(try row?.text("password").contains("m=19456,t=2") == true)
        #expect(try await self.attempt(world, self.right) == nil)
        #expect(try await world.directory.user(alice.id)?.tokensValidFrom == from)
    }
}

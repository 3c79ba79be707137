import Synchronization
import Testing
import Vocabulary

@testable import HostAgent

@Suite("One-time passwords of desktops")
struct DesktopSecretsTests {
    private let alice = AccountBookTests.id(1)
    private let bob = AccountBookTests.id(2)
    private let session = GUID(high: 7, low: 7)

    private func withSecrets(_ body: (DesktopSecrets, (Duration) -> Void) throws -> Void) rethrows {
        let clock = Clock()
        try body(DesktopSecrets(time: TimeSource { clock.now.withLock { $0 } })) { step in
            clock.now.withLock { $0 = $0 + step }
        }
    }

    private final class Clock: Sendable {
        let now = Mutex<Instant>(AccountBookTests.now)
    }

    @Test("are long, and never the same twice")
    func length() throws {
        try self.withSecrets { secrets, _ in
            let one = try #require(secrets.issue(to: self.alice, for: self.session))
            let other = try #require(secrets.issue(to: self.alice, for: self.session))
            #expect(one.withValue(\.count) >= 32 && one != other)
        }
    }

    @Test("are good once")
    func once() throws {
        try self.withSecrets { secrets, _ in
            let password = try #require(secrets.issue(to: self.alice, for: self.session))
            #expect(secrets.spend(password, of: self.alice) == self.session)
            #expect(secrets.spend(password, of: self.alice) == nil)
        }
    }

    @Test("are good for the person they were made for")
    func person() throws {
        try self.withSecrets { secrets, _ in
            let password = try #require(secrets.issue(to: self.alice, for: self.session))
            #expect(secrets.spend(password, of: self.bob) == nil)
            #expect(secrets.spend(password, of: self.alice) == self.session)
        }
    }

    @Test("a wrong one does not spend the right one")
    func wrong() throws {
        try self.withSecrets { secrets, _ in
            let password = try #require(secrets.issue(to: self.alice, for: self.session))
            #expect(secrets.spend(Secret([]), of: self.alice) == nil)
            #expect(secrets.spend(Secret(Array("guess".utf8)), of: self.alice) == nil)
            #expect(secrets.spend(password, of: self.alice) == self.session)
        }
    }

    @Test("are worth nothing after a minute, nor after the clock was set back", arguments: [60, -1])
    func expiry(_ seconds: Int) throws {
        try self.withSecrets { secrets, turn in
            let password = try #require(secrets.issue(to: self.alice, for: self.session))
            turn(.seconds(seconds))
            #expect(secrets.spend(password, of: self.alice) == nil)
        }
    }

    @Test("are good until then")
    func justInTime() throws {
        try self.withSecrets { secrets, turn in
            let password = try #require(secrets.issue(to: self.alice, for: self.session))
            turn(.milliseconds(59_999))
            #expect(secrets.spend(password, of: self.alice) == self.session)
        }
    }

    @Test("several of one person work side by side, in any order")
    func several() throws {
        try self.withSecrets { secrets, _ in
            let all = try (0..<5).map { try #require(secrets.issue(to: self.alice, for: GUID(high: 1, low: $0))) }
            for (number, password) in all.enumerated().reversed() {
                #expect(secrets.spend(password, of: self.alice) == GUID(high: 1, low: UInt64(number)))
            }
        }
    }

    @Test("only so many wait, and old ones make room")
    func bounds() throws {
        self.withSecrets { secrets, turn in
            for _ in 0..<DesktopSecrets.mostOfOne {
                #expect(secrets.issue(to: self.alice, for: self.session) != nil)
            }
            #expect(secrets.issue(to: self.alice, for: self.session) == nil)
            #expect(secrets.issue(to: self.bob, for: self.session) != nil)
            turn(.seconds(60))
            #expect(secrets.issue(to: self.alice, for: self.session) != nil)
        }
    }
}

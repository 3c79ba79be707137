import TestKit
import Testing
import Vocabulary

@testable import Federation

@Suite("Nonces for desktop clients")
struct DesktopNonceTests {
    let clock = TurnedClock()
    let nonces: DesktopNonces
    let person = SignInWorld.robot

    init() {
        self.nonces = DesktopNonces(clock: self.clock.source, random: SeededRandom().source)
    }

    @Test("are good once, for ten minutes, and only where they were made")
    func once() {
        let nonce = self.nonces.make()
        #expect(nonce != self.nonces.make())
        #expect(self.nonces.use(nonce, by: self.person) == .fresh)
        #expect(self.nonces.use(nonce, by: self.person) == .used)
        #expect(self.nonces.use(nonce, by: .zero) == .used)
        let late = self.nonces.make()
        self.clock.turn(.seconds(600))
        #expect(self.nonces.use(late, by: self.person) == .unknown)
        let other = DesktopNonces(clock: self.clock.source, random: RandomSource.system)
        #expect(self.nonces.use(other.make(), by: self.person) == .unknown)
        #expect(self.nonces.use("", by: self.person) == .unknown)
        #expect(self.nonces.use(String(repeating: "A", count: 54), by: self.person) == .unknown)
    }

    @Test("cannot be used up for others by one person, and are forgotten in time")
    func bounded() {
        for _ in 0..<DesktopNonces.mostPerPerson {
            #expect(self.nonces.use(self.nonces.make(), by: self.person) == .fresh)
        }
        #expect(self.nonces.use(self.nonces.make(), by: self.person) == .full)
        #expect(self.nonces.use(self.nonces.make(), by: .zero) == .fresh)
        self.clock.turn(.seconds(601))
        #expect(self.nonces.use(self.nonces.make(), by: self.person) == .fresh)
    }
}

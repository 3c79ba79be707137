import Dispatch
import Synchronization
import Testing
import Vocabulary

@testable import Passwords

struct PasswordHasherTests {
    private func secret(_ text: String) -> Secret<[UInt8]> { Secret(Array(text.utf8)) }

    @Test("accepts the password that was hashed and no other")
    func verifies() async throws {
        let hasher = PasswordHasher()
        let hash = try await hasher.hash(self.secret("Correct horse 1"))
        #expect(try await hasher.verify(self.secret("Correct horse 1"), against: hash))
        #expect(try await !hasher.verify(self.secret("Correct horse 2"), against: hash))
        #expect(try await !hasher.verify(self.secret(""), against: hash))
    }

    @Test("hashes with Argon2id, 19 MiB and two passes, and a new salt each time")
    func usesArgon2id() async throws {
        let hasher = PasswordHasher()
        let first = try await hasher.hash(self.secret("a"))
        let second = try await hasher.hash(self.secret("a"))
        #expect(first.hasPrefix("$argon2id$v=19$m=19456,t=2,p=1$"))
        #expect(first != second)
    }

    @Test("says no without a hash, after the work that a hash of today's parameters costs")
    func worksForNobody() async throws {
        let hasher = PasswordHasher()
        #expect(try await !hasher.verify(self.secret("no such account"), against: nil))
        let dummy = try #require(Argon2.dummy)
        #expect(!hasher.needsRehash(dummy))
        // Only a lower bound holds on a busy machine; an answer without the work takes microseconds.
        let time = try await ContinuousClock().measure { _ = try await hasher.verify(self.secret("b"), against: nil) }
        #expect(time > .milliseconds(1))
    }

    @Test("says no to text that is no hash, and to a password past the limit")
    func refusesStrange() async throws {
        let hasher = PasswordHasher()
        #expect(try await !hasher.verify(self.secret("a"), against: "a"))
        #expect(try await !hasher.verify(self.secret("a"), against: ""))
        let start = String(repeating: "x", count: 1024)
        let hash = try await hasher.hash(self.secret(start))
        #expect(try await hasher.verify(self.secret(start), against: hash))
        #expect(try await !hasher.verify(self.secret(start + "y"), against: hash))
    }

    @Test("sees which hashes were made with other parameters")
    func seesOldHashes() async throws {
        let hasher = PasswordHasher()
        let hash = try await hasher.hash(self.secret("a"))
        #expect(!hasher.needsRehash(hash))
        #expect(hasher.needsRehash(hash.replacing("t=2", with: "t=1")))
    }

    @Test("refuses at once what does not fit into the queue, and finishes the rest in order")
    func isBounded() async throws {
        let hasher = PasswordHasher(threads: 2, queue: 3)
        let gate = DispatchSemaphore(value: 0)
        let order = Mutex<[Int]>([])
        let done = AsyncStream<Void>.makeStream()
        for number in 0..<5 {
            let isAccepted = hasher.submit {
                if number < 2 { gate.wait() }
                order.withLock { $0.append(number) }
                done.continuation.yield()
            }
            #expect(isAccepted)
        }
        #expect(hasher.load == 5)
        await #expect(throws: PasswordError.busy) { try await hasher.hash(self.secret("a")) }
        await #expect(throws: PasswordError.busy) { try await hasher.verify(self.secret("a"), against: nil) }
        gate.signal()
        var steps = done.stream.makeAsyncIterator()
        for _ in 0..<4 { await steps.next() }
        #expect(order.withLock { $0.suffix(3) } == [2, 3, 4])
        gate.signal()
        await steps.next()
        #expect(try await hasher.verify(self.secret("b"), against: try await hasher.hash(self.secret("b"))))
    }
}

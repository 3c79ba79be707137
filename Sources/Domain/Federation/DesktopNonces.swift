import Crypto
import Synchronization
import Vocabulary

/// The nonces that desktop clients put into their assertions: one use each, ten minutes, nothing kept until they are used.
///
/// Anybody may ask for one, so a nonce carries its own time and a code under a key that only this process has: a flood of requests costs no
/// memory, and a restart voids them all together with the list of used ones. Source: MS-RDPBCGR section 5.4.5.4.
final class DesktopNonces: Sendable {
    /// What presenting a nonce came to.
    enum Use: Sendable, Hashable {
        /// Issued here, in time, and used for the first time.
        case fresh
        /// Not one of ours, or too old.
        case unknown
        /// Used before.
        case used
        /// Too many were used lately to remember another one.
        case full
    }

    static let lifetime = Duration.seconds(600)
    /// In all, and for each person, within the lifetime of a nonce.
    static let (most, mostPerPerson) = (16_384, 128)

    private struct Used {
        var ends: [String: Instant] = [:]
        var people: [GUID: [String: Instant]] = [:]

        /// Forgets those whose time is over: they are refused by it.
        mutating func forget(before now: Instant) {
            self.ends = self.ends.filter { $0.value > now }
            self.people = self.people.mapValues { $0.filter { $0.value > now } }.filter { !$0.value.isEmpty }
        }
    }

    private let clock: TimeSource
    private let random: RandomSource
    private let key: SymmetricKey
    private let used = Mutex(Used())

    init(clock: TimeSource, random: RandomSource) {
        self.clock = clock
        self.random = random
        self.key = SymmetricKey(data: random.bytes(32))
    }

    /// A new one.
    func make() -> String {
        let time = UInt64(bitPattern: self.clock.now.milliseconds)
        let body = (0..<8).map { UInt8(truncatingIfNeeded: time >> (56 - 8 * $0)) } + self.random.bytes(16)
        return Base64URL.encode(body + self.code(of: body))
    }

    /// Uses one up for somebody who has proved everything else.
    func use(_ nonce: String, by person: GUID) -> Use {
        let now = self.clock.now
        guard nonce.utf8.count <= 64, let bytes = Base64URL.decode(nonce), bytes.count == 40 else { return .unknown }
        let body = Array(bytes[..<24])
        guard ConstantTime.equal(self.code(of: body), bytes[24...]) else { return .unknown }
        let time = body[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let end = Instant(milliseconds: Int64(bitPattern: time)) + Self.lifetime
        guard end > now, end <= now + Self.lifetime else { return .unknown }
        return self.used.withLock { used in
            // By its bytes: another spelling of the same base 64 is the same nonce.
            let name = Base64URL.encode(body)
            guard used.ends[name] == nil else { return .used }
            if used.ends.count >= Self.most { used.forget(before: now) }
            var mine = used.people[person] ?? [:]
            if mine.count >= Self.mostPerPerson { mine = mine.filter { $0.value > now } }
            guard used.ends.count < Self.most, mine.count < Self.mostPerPerson else { return .full }
            mine[name] = end
            used.people[person] = mine
            used.ends[name] = end
            return .fresh
        }
    }

    private func code(of body: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: body, using: self.key).prefix(16))
    }
}

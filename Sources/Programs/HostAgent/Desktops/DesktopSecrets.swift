import Crypto
import Synchronization
import Vocabulary

/// The one-time passwords of desktops that wait to be used: in memory only, as digests, each bound to one person.
///
/// There may be several for one person, so that somebody who opens two desktops at one moment gets into both.
final class DesktopSecrets: Sendable {
    /// A password that has been given out.
    private struct Issued: Sendable {
        var digest: [UInt8]
        var session: GUID
        var issuedAt: Instant
    }

    /// For how long a password is good.
    static let life: Duration = .seconds(60)
    /// How many of one person's may wait.
    static let mostOfOne = 16
    /// How many may wait altogether.
    static let most = 1024

    private let issued = Mutex<[GUID: [Issued]]>([:])
    private let time: TimeSource
    private let random: RandomSource

    init(time: TimeSource = .system, random: RandomSource = .system) {
        self.time = time
        self.random = random
    }

    /// A new password for a person; nil when too many wait.
    func issue(to person: GUID, for session: GUID) -> Secret<[UInt8]>? {
        let now = self.time.now
        // 24 bytes: nobody guesses that within a minute, so the digest needs neither salt nor slowness.
        let password = Array(self.random.token(bytes: 24).utf8)
        let one = Issued(digest: Self.digest(password), session: session, issuedAt: now)
        return self.issued.withLock { issued in
            Self.forgetOld(&issued, at: now)
            guard issued[person, default: []].count < Self.mostOfOne,
                issued.values.reduce(0, { $0 + $1.count }) < Self.most
            else { return nil }
            issued[person, default: []].append(one)
            return Secret(password)
        }
    }

    /// Whether this is one of a person's passwords. If it is, it is spent by this; returns the session it was issued for.
    func spend(_ password: Secret<[UInt8]>, of person: GUID) -> GUID? {
        let now = self.time.now
        let digest = password.withValue { Self.digest($0) }
        return self.issued.withLock { issued in
            Self.forgetOld(&issued, at: now)
            // All are looked at, whichever fits.
            var found: Int?
            for (index, one) in issued[person, default: []].enumerated()
            where ConstantTime.equal(one.digest, digest) {
                found = index
            }
            guard let found else { return nil }
            return issued[person]?.remove(at: found).session
        }
    }

    private static func forgetOld(_ issued: inout [GUID: [Issued]], at now: Instant) {
        for person in Array(issued.keys) {
            // A clock that was set back must not make a password live longer.
            issued[person]?.removeAll { now - $0.issuedAt >= Self.life || $0.issuedAt > now }
            if issued[person]?.isEmpty ?? true { issued[person] = nil }
        }
    }

    private static func digest(_ password: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: password))
    }
}

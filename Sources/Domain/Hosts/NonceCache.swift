import Vocabulary

/// Remembers the nonces that hosts used while their signatures would still be accepted.
///
/// Only what a host signed gets in, and each host has a bound, so nobody can fill it for another.
struct NonceCache: Sendable {
    private static let mostPerHost = 1024
    private var used: [GUID: [String: Instant]] = [:]

    /// Notes a nonce until it does not matter any more; false when it was used before, or the host uses too many.
    mutating func use(_ nonce: String, of host: GUID, until end: Instant, at now: Instant) -> Bool {
        var mine = self.used[host] ?? [:]
        if mine.count >= Self.mostPerHost {
            mine = mine.filter { $0.value > now }
        }
        let known = mine[nonce].map { $0 > now } ?? false
        guard !known, mine.count < Self.mostPerHost else {
            self.used[host] = mine
            return false
        }
        mine[nonce] = end
        self.used[host] = mine
        return true
    }

    /// Forgets a host.
    mutating func forget(_ host: GUID) {
        self.used[host] = nil
    }
}

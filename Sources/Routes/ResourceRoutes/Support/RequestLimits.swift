import Federation
import HTTPTypes
import Synchronization
public import Vocabulary

/// How much one caller may ask of the resource manager: a bucket of requests for each kind of verb that fills again by the second.
///
/// Source: Azure Resource Manager, "Understand how Azure Resource Manager throttles requests".
public final class RequestLimits: Sendable {
    /// The size of a bucket, and how many requests it regains each second.
    public struct Bucket: Sendable {
        /// Most requests at once.
        public var size: Double
        /// Requests regained in a second.
        public var refill: Double

        /// Describes a bucket.
        public init(size: Double, refill: Double) {
            self.size = size
            self.refill = refill
        }
    }

    /// The buckets of a caller, and how many callers are remembered.
    public struct Settings: Sendable {
        /// GET and HEAD.
        public var reads = Bucket(size: 12_000, refill: 400)
        /// PUT, PATCH and POST.
        public var writes = Bucket(size: 12_000, refill: 200)
        /// DELETE.
        public var deletes = Bucket(size: 15_000, refill: 200)
        /// Callers that are remembered at once; the one that asked least lately goes first.
        public var callers = 10_000

        /// The defaults.
        public init() {}
    }

    enum Kind: String, Sendable {
        case reads
        case writes
        case deletes
    }

    enum Outcome: Sendable, Equatable {
        case admitted(remaining: Int)
        case limited(seconds: Int)
    }

    private struct Level {
        var tokens: Double
        var at: Instant
    }

    private struct Key: Hashable {
        let caller: GUID
        let kind: Kind
    }

    private let settings: Settings
    private let clock: TimeSource
    private let levels = Mutex<[Key: Level]>([:])

    /// Makes full buckets for everybody.
    public init(clock: TimeSource, settings: Settings = Settings()) {
        self.clock = clock
        self.settings = settings
    }

    /// Takes one request out of a caller's bucket.
    func admit(_ caller: GUID, _ kind: Kind) -> Outcome {
        let bucket = self.bucket(kind)
        let now = self.clock.now
        return self.levels.withLock { levels in
            let key = Key(caller: caller, kind: kind)
            if levels[key] == nil, levels.count >= self.settings.callers * 3 { Self.makeRoom(in: &levels) }
            var level = levels[key] ?? Level(tokens: bucket.size, at: now)
            let passed = max(0, Double(now.milliseconds - level.at.milliseconds) / 1000)
            level.tokens = min(bucket.size, level.tokens + passed * bucket.refill)
            level.at = now
            defer { levels[key] = level }
            guard level.tokens >= 1 else {
                return .limited(seconds: max(1, Int(((1 - level.tokens) / bucket.refill).rounded(.up))))
            }
            level.tokens -= 1
            return .admitted(remaining: Int(level.tokens))
        }
    }

    private func bucket(_ kind: Kind) -> Bucket {
        switch kind {
        case .reads: self.settings.reads
        case .writes: self.settings.writes
        case .deletes: self.settings.deletes
        }
    }

    // The quarter that asked least lately goes at once, so that the search is rare.
    private static func makeRoom(in levels: inout [Key: Level]) {
        let times = levels.values.map(\.at).sorted()
        let limit = times[times.count / 4]
        levels = levels.filter { $0.value.at > limit }
    }
}

extension RequestLimits {
    /// Runs a route within its caller's limits; every answer, also one that says what went wrong, tells what is left.
    func answer(
        _ call: ResourceCall,
        authority: String,
        _ route: () async throws(Problem) -> ARMResponse
    ) async -> ARMResponse {
        let kind: Kind =
            switch call.request.method {
            case .get, .head: .reads
            case .delete: .deletes
            default: .writes
            }
        let area = call.request.path.subscription == nil ? "tenant" : "subscription"
        let name = HTTPField.Name("x-ms-ratelimit-remaining-\(area)-\(kind.rawValue)")
        switch self.admit(call.caller.subject.id, kind) {
        case .limited(let seconds):
            let problem = Problem(
                "TooManyRequests",
                shown: "The request is being throttled because too many \(kind.rawValue) were sent. Please try again "
                    + "after \(seconds) seconds."
            )
            var response = ARMError.response(problem, authority: authority)
            response.headers[.retryAfter] = String(seconds)
            if let name { response.headers[name] = "0" }
            return response
        case .admitted(let remaining):
            var response: ARMResponse
            do {
                response = try await route()
            } catch {
                response = ARMError.response(error, authority: authority)
            }
            if let name { response.headers[name] = String(remaining) }
            return response
        }
    }
}

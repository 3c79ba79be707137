import AgentWire
import SSHWire
import Vocabulary

/// A host while it is connected.
struct LiveHost: Sendable {
    let host: Host
    let link: HostLink
    /// Tells this connection from earlier ones of the same host.
    let number: Int
    var status: HostStatus?
    var sessions: [GUID: HostSession] = [:]
    /// Sessions that it was told to end and has not reported as over.
    var ending: Set<GUID> = []
    /// What it was told last, so that it is not told twice.
    var accounts: [HostAccount]?
    private var lookupMinute: Int64 = 0
    private var lookups = 0
    private var waiting: [Int: AsyncStream<HostStatus>.Continuation] = [:]
    private var waiters = 0
    private var desktops: [GUID: AsyncStream<DesktopAnswer>.Continuation] = [:]

    /// How many credentials for desktops may be waited for at one time.
    static let mostDesktops = 256

    init(host: Host, link: HostLink, number: Int) {
        self.host = host
        self.link = link
        self.number = number
    }

    /// Counts a look-up; false when this minute has had enough of them (X56).
    mutating func mayLookUp(at now: Instant, most: Int) -> Bool {
        let minute = now.seconds / 60
        if minute != self.lookupMinute {
            self.lookupMinute = minute
            self.lookups = 0
        }
        self.lookups += 1
        return self.lookups <= most
    }

    /// The statuses that the host reports from now on; ends with the connection.
    mutating func newStatuses() -> (number: Int, stream: AsyncStream<HostStatus>) {
        let (stream, continuation) = AsyncStream.makeStream(of: HostStatus.self, bufferingPolicy: .bufferingNewest(1))
        self.waiters += 1
        self.waiting[self.waiters] = continuation
        return (self.waiters, stream)
    }

    /// Stops one of `newStatuses`.
    mutating func stop(waiter: Int) {
        self.waiting.removeValue(forKey: waiter)?.finish()
    }

    /// The answer to a wish for a desktop's credential, when it comes; nil when too many are waited for. Ends with the connection.
    mutating func newDesktop(_ request: GUID) -> AsyncStream<DesktopAnswer>? {
        guard self.desktops.count < Self.mostDesktops else { return nil }
        let (stream, continuation) = AsyncStream.makeStream(
            of: DesktopAnswer.self,
            bufferingPolicy: .bufferingOldest(1)
        )
        self.desktops[request] = continuation
        return stream
    }

    /// Stops waiting for one.
    mutating func stop(desktop request: GUID) {
        self.desktops.removeValue(forKey: request)?.finish()
    }

    /// Tells whoever waits for this answer.
    func tell(_ answer: DesktopAnswer) {
        self.desktops[answer.request]?.yield(answer)
    }

    /// Tells those who wait for a status.
    func tell(_ status: HostStatus) {
        for continuation in self.waiting.values { continuation.yield(status) }
    }

    /// Tells those who wait that nothing will come.
    func stopWaiting() {
        for continuation in self.waiting.values { continuation.finish() }
        for continuation in self.desktops.values { continuation.finish() }
    }

    /// Ends the connection.
    func dropped(_ reason: String) {
        self.stopWaiting()
        self.link.end(reason)
    }
}

/// The certificates of a host's keys, and what they were made for.
struct HostCertificates: Sendable {
    let keys: [String]
    let principals: [String]
    let authority: SSHPublicKey?
    let lines: [String]
    let validBefore: Instant
}

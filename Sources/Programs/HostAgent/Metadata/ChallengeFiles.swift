import Logging
import Vocabulary

/// Proofs that somebody may act as the machine: a file that only root and the group `himds` can read, whose content comes back in a header.
///
/// On loopback anybody could ask, browsers and forwarded ports too; reading a file is what they cannot do. Each file is for one request and for a
/// minute. Source: Authenticate against Azure resources with Azure Arc-enabled servers; the paths are fixed in the SDKs.
actor ChallengeFiles {
    /// The group whose members may have tokens.
    static let group = "himds"
    private static let life: Duration = .seconds(60)
    private static let most = 64

    private struct Open {
        var file: String
        var secret: String
        var until: Instant
    }

    private let layout: HostLayout
    private let time: TimeSource
    private let random: RandomSource
    private let log: Logger
    private var open: [Open] = []
    private var owner: UInt32?

    init(layout: HostLayout, time: TimeSource = .system, random: RandomSource = .system, log: Logger) {
        self.layout = layout
        self.time = time
        self.random = random
        self.log = log
    }

    /// Makes the directory, and the group when it is missing; takes away what an earlier run left.
    func prepare() {
        self.owner = Self.groupNumber(self.layout)
        if self.owner == nil, self.layout.root.isEmpty, let program = HostProgram.find(["/usr/sbin/groupadd"]) {
            _ = try? HostProgram.run([program, "--system", Self.group])
            self.owner = Self.groupNumber(self.layout)
        }
        do {
            try HostFile.makeDirectory(self.layout.challengeDirectory, mode: 0o755)
            for name in HostFile.names(in: self.layout.challengeDirectory) where name.hasSuffix(".key") {
                try HostFile.remove("\(self.layout.challengeDirectory)/\(name)")
            }
        } catch {
            self.log.error("no place for the metadata service's challenges", metadata: ["because": "\(error)"])
        }
    }

    /// Answers a request without a proof: where the secret is.
    func challenge() -> MetadataAnswer {
        self.forget { $0.until <= self.time.now }
        if self.open.count >= Self.most { self.forget { [oldest = self.open[0].file] in $0.file == oldest } }
        let name = GUID(from: self.random).description
        let path = "/var/opt/azcmagent/tokens/\(name).key"
        let secret = self.random.token(bytes: 32)
        let attributes = HostFile.Attributes(mode: self.owner == nil ? 0o400 : 0o440, uid: 0, gid: self.owner ?? 0)
        do throws(HostAgentError) {
            try HostFile.replace(self.layout.path(path), with: Array(secret.utf8), attributes, durable: false)
        } catch {
            return .failure(500, "unknown", "The challenge cannot be written: \(error)")
        }
        self.open.append(Open(file: self.layout.path(path), secret: secret, until: self.time.now + Self.life))
        var answer = MetadataAnswer.failure(401, "unauthorized_client", "Missing Basic Authorization header")
        answer.challenge = "Basic realm=\(path)"
        return answer
    }

    /// Whether an `Authorization` header carries the secret of an open challenge, which is then over.
    func accept(_ header: String) -> Bool {
        let parts = header.split(separator: " " as Character, maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic" else { return false }
        let given = Array(parts[1].utf8)
        let now = self.time.now
        guard
            let found = self.open.first(where: { ConstantTime.equal(Array($0.secret.utf8), given) && now < $0.until })
        else { return false }
        self.forget { $0.file == found.file }
        return true
    }

    /// Takes all files away.
    func close() {
        self.forget { _ in true }
    }

    private func forget(_ isOver: (Open) -> Bool) {
        for challenge in self.open where isOver(challenge) { try? HostFile.remove(challenge.file) }
        self.open.removeAll(where: isOver)
    }

    // From the file, not by the C library: a statically linked program cannot ask name services.
    private static func groupNumber(_ layout: HostLayout) -> UInt32? {
        for line in (HostFile.text(layout.path("/etc/group")) ?? "").split(separator: "\n" as Character) {
            let fields = line.split(separator: ":" as Character, omittingEmptySubsequences: false)
            if fields.count >= 3, fields[0] == Self.group { return UInt32(fields[2]) }
        }
        return nil
    }
}

import AgentWire
import Testing
import Vocabulary

@Suite("Local messages")
struct LocalMessageTests {
    static let attempt = EntryAttempt(
        user: "alice@contoso.example",
        service: "sshd",
        source: "192.0.2.1",
        terminal: "ssh",
        authentication: "publickey ssh-ed25519-cert-v01@openssh.com AAAA"
    )
    static let requests: [LocalRequest] = [
        .account(name: "bob.o'neil@contoso.example"), .accountByNumber(1_879_048_192), .group(name: "sallyport-users"),
        .groupByNumber(0), .memberships(name: ""),
        .mayEnter(Self.attempt), .sessionOpened(Self.attempt), .sessionClosed(Self.attempt), .status,
        .signIn(
            SignInAttempt(
                user: "alice@contoso.example",
                service: "xrdp-sesman",
                source: "",
                terminal: "",
                password: Secret([0xff, 0x41])
            )
        ),
    ]
    static let replies: [LocalReply] = [
        .account(LocalAccount(name: "a@b", uid: 1, gid: 2, comment: "", home: "/home/a@b", shell: "/bin/sh")),
        .group(LocalGroup(name: "g", gid: 7, members: ["a@b", "c@d"])), .memberships([1, 2, 3]), .memberships([]),
        .allowed, .opened(session: "s"), .report("{}"), .admitted(visit: "v"), .notFound,
        .refused("no: Ж"),
        .unavailable,
    ]

    @Test("gives back every request as it was written", arguments: Self.requests)
    func requestRoundTrip(_ request: LocalRequest) throws {
        let frame = try request.encoded()
        #expect(try LocalFrame.length(of: frame, limit: LocalFrame.longestRequest) == frame.count - 4)
        #expect(try LocalRequest.decode(Array(frame.dropFirst(4))) == request)
    }

    @Test("gives back every reply as it was written", arguments: Self.replies)
    func replyRoundTrip(_ reply: LocalReply) throws {
        let frame = try reply.encoded()
        #expect(try LocalReply.decode(Array(frame.dropFirst(4))) == reply)
    }

    @Test("refuses every shortened request", arguments: Self.requests)
    func truncated(_ request: LocalRequest) throws {
        let content = Array(try request.encoded().dropFirst(4))
        for count in 0..<content.count {
            #expect(throws: AgentWireError.self) { try LocalRequest.decode(Array(content.prefix(count))) }
        }
    }

    @Test("refuses bytes behind the last field")
    func trailing() throws {
        let content = Array(try LocalRequest.status.encoded().dropFirst(4)) + [0]
        #expect(throws: AgentWireError.trailingBytes) { try LocalRequest.decode(content) }
    }

    @Test("refuses another version and an unknown kind")
    func foreign() {
        #expect(throws: AgentWireError.unknownVersion(2)) { try LocalRequest.decode([2, 20]) }
        #expect(throws: AgentWireError.unknownKind(99)) { try LocalRequest.decode([1, 99]) }
        #expect(throws: AgentWireError.unknownKind(200)) { try LocalReply.decode([1, 200]) }
    }

    @Test("refuses text with a zero byte inside, on the way out and on the way in")
    func zeroByte() {
        #expect(throws: AgentWireError.badText) { try LocalRequest.account(name: "a\u{0}b").encoded() }
        #expect(throws: AgentWireError.badText) { try LocalRequest.decode([1, 1, 0, 3, 0x61, 0, 0x62, 0]) }
    }

    @Test("refuses text that is not UTF-8")
    func notText() {
        #expect(throws: AgentWireError.badText) { try LocalRequest.decode([1, 1, 0, 1, 0xff, 0]) }
    }

    @Test("refuses an announced length above the limit before any of it is read")
    func tooLong() {
        #expect(throws: AgentWireError.tooLong) {
            try LocalFrame.length(of: [0xff, 0xff, 0xff, 0xff], limit: LocalFrame.longestRequest)
        }
        #expect(throws: AgentWireError.truncated) {
            try LocalFrame.length(of: [0, 0, 0, 1], limit: LocalFrame.longestRequest)
        }
    }

    @Test("waits while a length is not complete")
    func incomplete() throws {
        #expect(try LocalFrame.length(of: [0, 0, 0], limit: 100) == nil)
    }

    @Test("lets anybody ask for names and nobody but root about sessions")
    func privilege() {
        #expect(LocalRequest.account(name: "a@b").isForRootOnly == false)
        #expect(LocalRequest.memberships(name: "a@b").isForRootOnly == false)
        #expect(LocalRequest.mayEnter(Self.attempt).isForRootOnly)
        #expect(LocalRequest.status.isForRootOnly)
    }

    @Test("survives two hundred thousand mutated frames without a trap")
    func fuzz() throws {
        var generator = Seeded(state: 0x5a11)
        let seeds = try (Self.requests.map { try $0.encoded() } + Self.replies.map { try $0.encoded() })
            .map { Array($0.dropFirst(4)) }
        var accepted = 0
        for _ in 0..<200_000 {
            var bytes = seeds.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                }
            }
            if let request = try? LocalRequest.decode(bytes) {
                accepted += 1
                #expect(try LocalRequest.decode(Array(request.encoded().dropFirst(4))) == request)
            }
            if let reply = try? LocalReply.decode(bytes) {
                #expect(try LocalReply.decode(Array(reply.encoded().dropFirst(4))) == reply)
            }
        }
        #expect(accepted > 0)
    }
}

/// A generator whose numbers are the same in every run (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var value = self.state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}

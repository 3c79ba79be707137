import AgentWire
import Testing
import Vocabulary

@Suite("Control messages")
struct ControlMessageTests {
    static let id = GUID(high: 0xaaaa_aaaa_0000_4000, low: 0x8000_0000_0000_0001)
    static let account = HostAccount(
        objectId: Self.id,
        name: "alice@contoso.example",
        uid: 1_879_048_200,
        displayName: "Alice",
        administrator: true,
        aliases: ["old@contoso.example"]
    )
    static let report = SessionReport(
        session: Self.id,
        objectId: Self.id,
        serial: SerialNumber(UInt64.max),
        keyId: "k",
        source: "192.0.2.1",
        tty: "ssh",
        openedAt: Instant(seconds: 1_800_000_000)
    )
    static let fromServer: [ServerMessage] = [
        .configuration(HostConfiguration(caKeys: ["ssh-ed25519 AAAA"], loginEnabled: true, compute: ["name": "vm"])),
        .task(HostTask(id: Self.id, work: .script, seconds: 5)), .accounts([Self.account]), .accounts([]),
        .end(EndOrder(session: Self.id, message: "bye")),
        .end(EndOrder(serial: SerialNumber(UInt64.max), message: "bye")),
        .prepareDesktop(DesktopOrder(request: Self.id, session: Self.id, account: Self.account)),
        .desktopSettled(request: Self.id),
        .failure(id: 3, code: "NotFound", message: "no"),
        .unknown(kind: "later"),
    ]
    static let fromAgent: [AgentMessage] = [
        .lookup(name: "a@b"),
        .taskEnded(HostTaskResult(id: Self.id, isDone: true, exitCode: 3, output: "o", errors: "e")),
        .decide(EntryQuestion(objectId: Self.id, typedName: "A@b", service: "sshd", source: "192.0.2.1")),
        .sessionOpened(Self.report), .sessionClosed(session: Self.id, reason: "closed"),
        .status(
            HostStatus(
                loginState: .failed,
                exitCode: 52,
                message: "sshd is missing",
                agentVersion: "1",
                osName: "Debian",
                osVersion: "12",
                hostname: "vm",
                addresses: ["192.0.2.2"],
                hostKeys: [],
                sessions: [Self.report],
                desktop: DesktopReport(port: 3389, certificate: "00ff", product: "xrdp")
            )
        ),
        .desktop(DesktopAnswer(request: Self.id, user: "a@b", domain: "d", password: Secret(Array("p".utf8)))),
        .desktop(DesktopAnswer(request: Self.id, refusal: Refusal("No", reason: "No desktop."))),
    ]

    @Test("gives back the server's messages", arguments: Self.fromServer)
    func server(_ message: ServerMessage) throws {
        #expect(try ServerMessage.decode(message.encoded()) == message)
    }

    @Test("gives back the agent's messages with their ids", arguments: Self.fromAgent)
    func agent(_ message: AgentMessage) throws {
        let decoded = try AgentMessage.decode(message.encoded(id: 7))
        #expect(decoded.message == message)
        #expect(decoded.id == 7)
        #expect(try AgentMessage.decode(message.encoded()).id == nil)
    }

    @Test("keeps every digit of a serial number, and takes a plain number too")
    func serial() throws {
        let text = String(
            decoding: try ServerMessage.end(EndOrder(serial: SerialNumber(UInt64.max), message: "")).encoded(),
            as: UTF8.self
        )
        #expect(text.contains("\"18446744073709551615\""))
        let plain = Array(#"{"kind":"end","session":null,"objectId":null,"serial":12,"message":"m"}"#.utf8)
        #expect(try ServerMessage.decode(plain) == .end(EndOrder(serial: 12, message: "m")))
    }

    @Test("finds an answer's content beside its id")
    func reply() throws {
        let frame = Array(
            #"{"id":4,"kind":"reply","allowed":false,"administrator":false,"refusal":{"code":"RoleMissing","reason":"r","remedy":""},"account":null}"#
                .utf8
        )
        guard case .reply(let id, let content) = try ServerMessage.decode(frame) else {
            Issue.record("not a reply")
            return
        }
        let decision: EntryDecision = try ControlObject.decode(content)
        #expect(id == 4)
        #expect(decision == EntryDecision(allowed: false, refusal: Refusal("RoleMissing", reason: "r")))
    }

    @Test(
        "refuses what is not an object of a known shape",
        arguments: ["", "[]", "7", #"{"kind":"end"}"#, #"{"kind":"reply"}"#]
    )
    func nonsense(_ text: String) {
        #expect(throws: AgentWireError.self) { try ServerMessage.decode(text.utf8) }
    }

    @Test("a host's proof survives its header, and signs method, path, time and nonce")
    func proof() throws {
        let proof = HostAuthorization(
            hostId: Self.id,
            seconds: 1_800_000_000,
            nonce: "AAAAAAAAAAAAAAAAAAAAAA",
            signature: [UInt8](repeating: 7, count: 64)
        )
        #expect(HostAuthorization(header: proof.header) == proof)
        #expect(HostAuthorization(header: proof.header.replacingFirst("Sallyport-Host", by: "Bearer")) == nil)
        #expect(HostAuthorization(header: "Sallyport-Host a.b.c.d") == nil)
        let message = HostAuthorization.message(method: "POST", path: "/hosts/v1/token", seconds: 5, nonce: "n")
        #expect(String(decoding: message, as: UTF8.self) == "sallyport-host-v1\nPOST\n/hosts/v1/token\n5\nn")
    }
}

extension String {
    fileprivate func replacingFirst(_ old: String, by new: String) -> String {
        self.hasPrefix(old) ? new + self.dropFirst(old.count) : self
    }
}

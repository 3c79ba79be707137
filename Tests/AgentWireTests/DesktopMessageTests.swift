import AgentWire
import Testing
import Vocabulary

@Suite("Desktop messages")
struct DesktopMessageTests {
    static let answer = DesktopAnswer(
        request: ControlMessageTests.id,
        user: "a@b",
        password: Secret(Array("Hidden-1".utf8))
    )

    @Test("show no password however they are printed")
    func hidden() {
        let attempt = SignInAttempt(
            user: "a@b",
            service: "xrdp-sesman",
            source: "",
            terminal: "",
            password: Secret(Array("Hidden-1".utf8))
        )
        for text in ["\(Self.answer)", "\(AgentMessage.desktop(Self.answer))", "\(LocalRequest.signIn(attempt))"] {
            #expect(!text.contains("Hidden") && !text.contains("72, 105"))
        }
    }

    @Test("tell passwords apart")
    func equality() {
        var other = Self.answer
        other.password = Secret(Array("Hidden-2".utf8))
        #expect(other != Self.answer)
    }

    @Test("a refusal carries neither name nor password")
    func refusal() throws {
        let refused = DesktopAnswer(request: ControlMessageTests.id, refusal: Refusal("No", reason: "No."))
        let text = String(decoding: try AgentMessage.desktop(refused).encoded(), as: UTF8.self)
        #expect(!text.contains("password") && !text.contains("user"))
    }

    @Test("a status of an agent that knows no desktops is read")
    func older() throws {
        let text = #"""
            {"kind":"status","loginState":"enabled","exitCode":0,"message":"","agentVersion":"0","osName":"D","osVersion":"1",
            "hostname":"h","addresses":[],"hostKeys":[],"sessions":[]}
            """#
        guard case .status(let status) = try AgentMessage.decode(Array(text.utf8)).message else {
            Issue.record("no status")
            return
        }
        #expect(status.desktop == nil)
    }

    @Test("refuses a settled desktop without its request")
    func unsettled() {
        #expect(throws: AgentWireError.self) { try ServerMessage.decode(Array(#"{"kind":"desktopSettled"}"#.utf8)) }
    }
}

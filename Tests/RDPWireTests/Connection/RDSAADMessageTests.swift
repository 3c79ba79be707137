import RDPWire
import Testing

@Suite("Messages of a sign-in by web account")
struct RDSAADMessageTests {
    @Test("the nonce is JSON with a NUL")
    func nonce() {
        #expect(RDSAADMessage.nonce("abc") == Array(#"{"ts_nonce":"abc"}"#.utf8) + [0])
    }

    @Test("results are signed decimals")
    func results() {
        #expect(RDSAADMessage.result(.succeeded) == Array(#"{"authentication_result":0}"#.utf8) + [0])
        #expect(
            RDSAADMessage.result(RDSAADResult(refusalCode: "DesktopTokenNotValid"))
                == Array(#"{"authentication_result":-2146893048}"#.utf8) + [0]
        )
    }

    @Test(
        "refusals have the status that clients know by name",
        arguments: [
            ("DesktopTokenNotValid", 0x8009_0308), ("AccessDenied", 0x8007_0005), ("LogonFailure", 0xc000_006d),
            ("AccountDisabled", 0xc000_0072), ("PasswordExpired", 0xc000_0071), ("ServersUnavailable", 0xc000_005e),
            ("RoleMissing", 0x8007_0005),
        ] as [(String, UInt32)]
    )
    func codes(_ code: String, _ status: UInt32) {
        #expect(RDSAADResult(refusalCode: code).code == status)
    }

    @Test("the assertion comes out of its message, and what follows is not part of it")
    func assertion() throws {
        let message = Array(#"{"rdp_assertion":"e30.e30.AA"}"#.utf8) + [0]
        #expect(try RDSAADMessage.length(of: message + [1, 2]) == message.count)
        #expect(try RDSAADMessage.length(of: Array(message.dropLast())) == nil)
        #expect(try RDSAADMessage.assertion(parsing: message) == "e30.e30.AA")
    }

    @Test(
        "refuses what is no assertion",
        arguments: ["", "{}", #"{"rdp_assertion":""}"#, #"{"rdp_assertion":7}"#, "{", "\u{3}\u{0}"]
    )
    func noAssertion(_ text: String) {
        #expect(throws: RDPWireError.self) { try RDSAADMessage.assertion(parsing: Array(text.utf8) + [0]) }
    }

    @Test("an assertion without end is too long at some point")
    func endless() {
        let bytes = Array(repeating: UInt8(ascii: "a"), count: RDSAADMessage.limit + 1)
        #expect(throws: RDPWireError.tooLong("an assertion")) { try RDSAADMessage.length(of: bytes) }
    }
}

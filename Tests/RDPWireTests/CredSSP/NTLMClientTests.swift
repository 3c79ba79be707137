import Testing
import Vocabulary

@testable import RDPWire

@Suite("NTLM clients")
struct NTLMClientTests {
    @Test("prove the password, with an integrity code over all three messages")
    func proof() throws {
        let host = NTLMHost()
        var client = NTLMHost.client()
        let firstToken = try client.next(nil)
        let first = try #require(firstToken)
        #expect(!client.isComplete)
        let answerToken = try client.next(host.challenge)
        let answer = try #require(answerToken)
        #expect(client.isComplete)
        #expect(host.check(answer, negotiate: first) == NTLMHost.session)
        #expect(NTLMHost(password: "Other").check(answer, negotiate: first) == nil)
        #expect(host.check(answer, negotiate: first + [0]) == nil)
    }

    @Test("send no answer of the old LM kind")
    func noLM() throws {
        var client = NTLMHost.client()
        _ = try client.next(nil)
        let answerToken = try client.next(NTLMHost().challenge)
        let answer = try #require(answerToken)
        #expect(NTLMHost.field(0, of: answer) == [UInt8](repeating: 0, count: 24))
        #expect(NTLMHost.field(2, of: answer) == UTF16Text.bytes("Domain"))
        #expect(NTLMHost.field(3, of: answer) == UTF16Text.bytes("User"))
    }

    @Test(
        "repeat what the host says of itself, with its time, the binding, the target and the mark of the integrity code"
    )
    func targetInfo() throws {
        var client = NTLMHost.client(binding: Array("abcd".utf8), target: "TERMSRV/desk")
        _ = try client.next(nil)
        let answerToken = try client.next(NTLMHost().challenge)
        let answer = try #require(answerToken)
        let response = NTLMHost.field(1, of: answer)
        #expect(Array(response[24..<32]) == [1, 2, 3, 4, 5, 6, 7, 8])
        let info = try NTLMTargetInfo(response[44...])
        #expect(info[2] == UTF16Text.bytes("Domain"))
        #expect(info[NTLMTargetInfo.flags] == [2, 0, 0, 0])
        #expect(info[NTLMTargetInfo.channelBindings] == NTLMKeys.channelBindings(Array("abcd".utf8)))
        #expect(info[NTLMTargetInfo.targetName] == UTF16Text.bytes("TERMSRV/desk"))
    }

    @Test("take the time of their own clock when the host says none")
    func ownTime() throws {
        var client = NTLMHost.client()
        _ = try client.next(nil)
        let answerToken = try client.next(NTLMHost(info: [0, 0, 0, 0]).challenge)
        let answer = try #require(answerToken)
        // 1970-01-01 in units of 100 ns since 1601.
        let time = UInt64(116_444_736_000_000_000).littleEndianBytes
        #expect(Array(NTLMHost.field(1, of: answer)[24..<32]) == time)
    }

    @Test("answer in SPNEGO whoever answers in SPNEGO")
    func spnego() throws {
        let host = NTLMHost()
        var client = NTLMHost.client()
        let firstToken = try client.next(nil)
        let first = try #require(firstToken)
        let wrappedToken = try client.next(SPNEGO.response(host.challenge))
        let wrapped = try #require(wrappedToken)
        #expect(host.check(try SPNEGO.token(wrapped), negotiate: first) != nil)
        #expect(client.isComplete)
    }

    @Test("take no for an answer in SPNEGO, and nothing for none")
    func spnegoRefusal() throws {
        for (state, error) in [
            (UInt8(2), RDPWireError.refused("The host refused the sign-in.")),
            (1, .malformed("SPNEGO response: no token of the mechanism")),
        ] {
            var client = NTLMHost.client()
            _ = try client.next(nil)
            let fields = DER.element(DER.field(0), DER.element(DER.enumerated, [state]))
            #expect(throws: error) { try client.next(DER.element(DER.field(1), DER.element(DER.sequence, fields))) }
        }
    }

    @Test(
        "refuse a host that offers weak or no sealing",
        arguments: [NTLMFlags.seal, .key128, .extendedSessionSecurity, .keyExchange]
    )
    func weak(missing: NTLMFlags) throws {
        var client = NTLMHost.client()
        _ = try client.next(nil)
        let host = NTLMHost(flags: NTLMFlags.asked.subtracting(missing))
        #expect(throws: RDPWireError.notTrusted("NTLM: the host offers no 128-bit sealing")) {
            try client.next(host.challenge)
        }
        #expect(!client.isComplete)
        #expect(throws: RDPWireError.self) { try client.wrap([1]) }
    }

    @Test("refuse a list of target information without end")
    func manyPairs() {
        let pairs: [UInt8] = (1..<100).flatMap { [UInt8($0), 1, 0, 0] } + [0, 0, 0, 0]
        #expect(throws: RDPWireError.tooLong("NTLM: a list of target information")) { try NTLMTargetInfo(pairs[...]) }
    }

    @Test("refuse target information that is cut off, repeated or of the wrong size")
    func badTargetInfo() throws {
        let time = NTLMHost.pair(7, [0, 0, 0, 0, 0, 0, 0, 0])
        let bad: [[UInt8]] = [
            [], [0, 0], NTLMHost.pair(2, [1, 0]), [2, 0, 9, 0, 1] + [0, 0, 0, 0], time + time + [0, 0, 0, 0],
            NTLMHost.pair(7, [1]) + [0, 0, 0, 0], NTLMHost.pair(6, [1]) + [0, 0, 0, 0],
        ]
        for info in bad {
            var client = NTLMHost.client()
            _ = try client.next(nil)
            #expect(throws: RDPWireError.self) { try client.next(NTLMHost(info: info).challenge) }
        }
    }

    @Test("refuse tokens out of turn, and seals before there are keys")
    func turns() throws {
        var client = NTLMHost.client()
        #expect(throws: RDPWireError.unexpected("NTLM: no keys yet")) { try client.unwrap([1]) }
        #expect(throws: RDPWireError.unexpected("NTLM: a token out of turn")) { try client.next(NTLMHost().challenge) }
        #expect(throws: RDPWireError.unexpected("NTLM: a token out of turn")) { try client.next(nil) }
    }
}

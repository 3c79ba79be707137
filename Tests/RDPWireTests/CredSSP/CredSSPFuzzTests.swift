import TestKit
import Testing
import Vocabulary

@testable import RDPWire

/// Hostile bytes in what a host sends: nothing may trap, and what is read must be what was written.
///
/// Seconds by default; `SALLYPORT_FUZZ_ROUNDS=10000000` for the long run.
@Suite("Hostile bytes in a sign-in")
struct CredSSPFuzzTests {
    static let rounds = Spoiler.rounds(usually: 40_000)

    @Test("messages are read or refused, and what is read is written the same")
    func messages() throws {
        let samples = [
            TSRequest(version: 6, token: NTLMHost().challenge),
            TSRequest(
                version: 6,
                token: [1],
                authInfo: [2],
                publicKeyAuth: [3],
                nonce: [UInt8](repeating: 4, count: 32)
            ),
            TSRequest(version: 3, errorCode: 0xC000_006D),
        ].map(\.bytes)
        let spoiler = Spoiler(seed: 1)
        var read = 0
        for round in 0..<Self.rounds {
            let bytes = spoiler.spoil(samples[round % samples.count])
            guard let message = try? TSRequest(bytes), (0...127).contains(message.version) else { continue }
            read += 1
            // Only an error code has two forms, and more than one token none.
            guard message.errorCode == nil else { continue }
            #expect(message.bytes == bytes)
        }
        #expect(read > Self.rounds / 50)
    }

    @Test("a client survives any challenge, bare and in SPNEGO")
    func challenges() throws {
        let samples = [NTLMHost().challenge, SPNEGO.response(NTLMHost().challenge)]
        let spoiler = Spoiler(seed: 2)
        var answered = 0
        for round in 0..<Self.rounds {
            var client = NTLMHost.client()
            _ = try client.next(nil)
            if (try? client.next(spoiler.spoil(samples[round % 2]))) != nil {
                answered += 1
            }
        }
        #expect(answered > Self.rounds / 50)
    }

    @Test("no changed proof of a host opens the credentials")
    func proofs() throws {
        var bound = try CredSSPClientTests.bound(version: 6)
        let proof = bound.toClient.seal(CredSSPClientTests.binding("CredSSP Server-To-Client Binding Hash"))
        let sample = TSRequest(version: 6, publicKeyAuth: proof).bytes
        let spoiler = Spoiler(seed: 3)
        for _ in 0..<Self.rounds {
            let bytes = spoiler.spoil(sample)
            guard bytes != sample else { continue }
            var client = bound.client
            #expect(throws: RDPWireError.self) { try client.receive(bytes) }
        }
    }

    @Test("certificates are taken apart or refused")
    func certificates() {
        let spoiler = Spoiler(seed: 4)
        var read = 0
        for _ in 0..<Self.rounds {
            let bytes = spoiler.spoil(HostCertificateTests.certificate)
            if (try? CredSSPClient.subjectPublicKey(ofCertificate: bytes)) != nil,
                (try? CredSSPClient.channelBinding(ofCertificate: bytes)) != nil
            {
                read += 1
            }
        }
        #expect(read > Self.rounds / 50)
    }
}

import Testing
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

@testable import RDPWire

/// Hostile bytes in what a host sends: nothing may trap, and what is read must be what was written.
///
/// Seconds by default; `SALLYPORT_FUZZ_ROUNDS=10000000` for the long run.
@Suite("Hostile bytes in a sign-in")
struct CredSSPFuzzTests {
    static let rounds = getenv("SALLYPORT_FUZZ_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 40_000

    /// SplitMix64: the same numbers on every run.
    struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state &+= 0x9E37_79B9_7F4A_7C15
            var z = self.state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }

        /// One to three changes: bits, bytes, lengths, cuts and repetitions.
        mutating func changed(_ sample: [UInt8]) -> [UInt8] {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...3, using: &self) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &self)
                switch Int.random(in: 0..<6, using: &self) {
                case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &self)
                case 1: bytes[index] = UInt8.random(in: 0...255, using: &self)
                case 2: bytes.removeSubrange(index...)
                case 3: bytes.insert(contentsOf: [0x84, 0xFF, 0xFF, 0xFF, 0xFF], at: index)
                case 4: bytes.insert(contentsOf: bytes[index...].prefix(8), at: index)
                default: bytes.remove(at: index)
                }
            }
            return bytes
        }
    }

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
        var numbers = Numbers(state: 1)
        var read = 0
        for round in 0..<Self.rounds {
            let bytes = numbers.changed(samples[round % samples.count])
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
        var numbers = Numbers(state: 2)
        var answered = 0
        for round in 0..<Self.rounds {
            var client = NTLMHost.client()
            _ = try client.next(nil)
            if (try? client.next(numbers.changed(samples[round % 2]))) != nil {
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
        var numbers = Numbers(state: 3)
        for _ in 0..<Self.rounds {
            let bytes = numbers.changed(sample)
            guard bytes != sample else { continue }
            var client = bound.client
            #expect(throws: RDPWireError.self) { try client.receive(bytes) }
        }
    }

    @Test("certificates are taken apart or refused")
    func certificates() {
        var numbers = Numbers(state: 4)
        var read = 0
        for _ in 0..<Self.rounds {
            let bytes = numbers.changed(HostCertificateTests.certificate)
            if (try? CredSSPClient.subjectPublicKey(ofCertificate: bytes)) != nil,
                (try? CredSSPClient.channelBinding(ofCertificate: bytes)) != nil
            {
                read += 1
            }
        }
        #expect(read > Self.rounds / 50)
    }
}

import Crypto
import SSHWire
import Testing
import Vocabulary

/// Hostile bytes: nothing may trap, and nothing may be allocated because a length field says so.
@Suite("Hostile bytes")
struct SSHWireFuzzTests {
    /// Changes a sample in one of several ways.
    static func mutated(_ sample: [UInt8], _ numbers: inout SeededNumbers) -> [UInt8] {
        var bytes = sample
        for _ in 0..<Int.random(in: 1...3, using: &numbers) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &numbers)
            switch Int.random(in: 0..<6, using: &numbers) {
            case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
            case 1: bytes[index] = UInt8.random(in: 0...255, using: &numbers)
            case 2: bytes.removeSubrange(index...)
            case 3: bytes.insert(contentsOf: [0xff, 0xff, 0xff, 0xff], at: index)
            case 4:
                for offset in 0..<min(4, bytes.count - index) {
                    bytes[index + offset] = offset == 0 ? 0x7f : 0xff
                }
            default: bytes.remove(at: index)
            }
        }
        return bytes
    }

    static func samples() throws -> [[UInt8]] {
        let signers: [SSHSigner] = [.ed25519(.init()), .p256(.init())]
        let rsa = SSHPublicKey.rsa(exponent: [1, 0, 1], modulus: [UInt8](repeating: 0xff, count: 256))
        let subjects = signers.map(\.publicKey) + [rsa]
        let certificates = try zip(subjects, signers + signers).map { subject, signer in
            try SSHCertificate.make(SSHCertificateTests.contents(subject), nonce: [1, 2, 3], by: signer).blob
        }
        let list = KeyRevocationList(
            version: 1,
            date: .always,
            certificates: [.init(of: subjects[0], serials: [1...1, 4...9], keyIDs: ["a", "b"])],
            keys: [rsa.blob]
        )
        return certificates + subjects.map(\.blob) + [list.bytes, try signers[1].sign([1]).blob]
    }

    @Test("120,000 changed keys, certificates, lists and signatures are read or refused")
    func mutations() throws {
        let samples = try Self.samples()
        var numbers = SeededNumbers(state: 20_260_101)
        var read = 0
        for round in 0..<120_000 {
            let bytes = Self.mutated(samples[round % samples.count], &numbers)
            switch round % samples.count {
            case 0..<3:
                if let certificate = try? SSHCertificate(blob: bytes) {
                    read += 1
                    #expect(certificate.blob == bytes)
                }
            case 3..<6:
                if let key = try? SSHPublicKey(blob: bytes) {
                    read += 1
                    #expect(key.blob == bytes)
                }
            case 6: read += (try? KeyRevocationList(bytes: bytes)) == nil ? 0 : 1
            default: read += (try? SSHSignature(blob: bytes)) == nil ? 0 : 1
            }
        }
        // Some changes hit a nonce or a modulus: if none is read, the samples were never valid.
        #expect(read > 1000)
    }

    @Test("every truncation is refused")
    func truncations() throws {
        for (index, sample) in try Self.samples().enumerated() where index != 6 {
            for count in sample.indices {
                let bytes = Array(sample[..<count])
                #expect((try? SSHCertificate(blob: bytes)) == nil)
                #expect((try? SSHPublicKey(blob: bytes)) == nil)
                // Half a key can look like a signature, so that is asked of the signature alone.
                #expect(index != 7 || (try? SSHSignature(blob: bytes)) == nil)
            }
        }
    }

    @Test("changed lines and private key files are read or refused")
    func texts() throws {
        let key = OpenSSHPrivateKey.p256(.init())
        let file = key.file(comment: "c").withValue { $0 }
        let line = Array(key.publicKey.line(comment: "c").utf8)
        var numbers = SeededNumbers(state: 7)
        for round in 0..<10_000 {
            let bytes = Self.mutated(round % 2 == 0 ? file : line, &numbers)
            _ = try? OpenSSHPrivateKey(file: bytes)
            _ = try? SSHPublicKey(line: String(decoding: bytes, as: UTF8.self))
            _ = try? SSHCertificate(line: String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test("an oversized blob is refused unread")
    func oversized() {
        let bytes = [UInt8](repeating: 0, count: SSHWire.longestCertificate + 1)
        #expect(throws: SSHWireError.tooLong) { try SSHCertificate(blob: bytes) }
        #expect(throws: SSHWireError.tooLong) { try SSHPublicKey(blob: bytes) }
    }
}

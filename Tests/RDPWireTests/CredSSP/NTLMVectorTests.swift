import Testing
import Vocabulary

@testable import RDPWire

/// The numbers of RFC 1320, RFC 6229 and MS-NLMP section 4.2.4.
@Suite("NTLM's computations")
struct NTLMVectorTests {
    static let serverChallenge = Hex.decode("0123456789abcdef") ?? []
    static let info =
        Hex.decode("02000c0044006f006d00610069006e0001000c0053006500720076006500720000000000") ?? []
    static let responseKey = NTLMKeys.responseKey(user: "User", domain: "Domain", password: "Password")
    static let blob = NTLMKeys.blob(
        time: [UInt8](repeating: 0, count: 8),
        challenge: [UInt8](repeating: 0xAA, count: 8),
        targetInfo: Self.info
    )

    @Test(
        "MD4 gives the digests of its specification",
        arguments: [
            ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
            ("a", "bde52cb31de33e46245e05fbdbd6fb24"),
            ("abc", "a448017aaf21d8525fc10ae87aa6729d"),
            ("message digest", "d9130a8164549fe818874806e1c7014b"),
            ("abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "043f8582f241db351ce627e153e7f0e4"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "e33b4ddc9c38f2199c3e7b164fcc0536"
            ),
        ]
    )
    func md4(text: String, digest: String) {
        #expect(Hex.encode(MD4.hash(Array(text.utf8))) == digest)
    }

    @Test(
        "RC4 gives the key streams of its specification",
        arguments: [
            ("0102030405", "b2396305f03dc027ccc3524a0a1118a8"),
            ("0102030405060708090a0b0c0d0e0f10", "9ac7cc9a609d1ef7b2932899cde41b97"),
        ]
    )
    func rc4(key: String, stream: String) throws {
        var cipher = RC4(key: try #require(Hex.decode(key)))
        let zeros = [UInt8](repeating: 0, count: 8)
        #expect(Hex.encode(cipher.apply(zeros) + cipher.apply(zeros)) == stream)
    }

    @Test("the person's key is that of the specification")
    func person() {
        #expect(Hex.encode(Self.responseKey) == "0c868a403bfd7a93a3001ef22ef02e3f")
    }

    @Test("the answer to a challenge and the keys out of it are those of the specification")
    func answer() {
        let proof = NTLMKeys.proof(
            responseKey: Self.responseKey,
            serverChallenge: Self.serverChallenge,
            blob: Self.blob
        )
        #expect(Hex.encode(proof) == "68cd0ab851e51c96aabc927bebef6a1c")
        let session = NTLMKeys.hmac(Self.responseKey, proof)
        #expect(Hex.encode(session) == "8de40ccadbc14a82f15cb0ad0de95ca3")
        var cipher = RC4(key: session)
        let exported = [UInt8](repeating: 0x55, count: 16)
        #expect(Hex.encode(cipher.apply(exported)) == "c5dad2544fc9799094ce1ce90bc9d03e")
        #expect(Hex.encode(NTLMKeys.sealKey(exported, .toHost)) == "59f600973cc4960a25480a7c196e4c58")
        #expect(Hex.encode(NTLMKeys.signKey(exported, .toHost)) == "4788dc861b4782f35d43fd98fe1a2d39")
    }

    @Test("a sealed message is the one of the specification, and opens again")
    func sealed() {
        let exported = [UInt8](repeating: 0x55, count: 16)
        var sending = NTLMSeal(session: exported, .toHost)
        var receiving = NTLMSeal(session: exported, .toHost)
        let message = UTF16Text.bytes("Plaintext")
        let sealed = sending.seal(message)
        #expect(Hex.encode(sealed.prefix(16)) == "010000007fb38ec5c55d497600000000")
        #expect(Hex.encode(sealed.dropFirst(16)) == "54e50165bf1936dc996020c1811b0f06fb5f")
        #expect(receiving.open(sealed) == message)
        let second = sending.seal([])
        #expect(Array(second[12..<16]) == [1, 0, 0, 0])
        #expect(receiving.open(second) == [])
    }

    @Test("a changed, repeated or short message does not open")
    func notOpened() {
        let exported = [UInt8](repeating: 0x55, count: 16)
        var sending = NTLMSeal(session: exported, .toHost)
        let sealed = sending.seal([1, 2, 3])
        for index in sealed.indices {
            var receiving = NTLMSeal(session: exported, .toHost)
            var changed = sealed
            changed[index] ^= 1
            #expect(receiving.open(changed) == nil)
        }
        var receiving = NTLMSeal(session: exported, .toHost)
        #expect(receiving.open(sealed) == [1, 2, 3])
        #expect(receiving.open(sealed) == nil)
        #expect(receiving.open([1, 0, 0]) == nil)
    }

    @Test(
        "names become upper case letter by letter",
        arguments: [("müller", "MÜLLER"), ("straße", "STRAßE"), ("ǆ", "Ǆ")]
    )
    func upperCase(name: String, upper: String) {
        #expect(NTLMKeys.upperCase(name) == upper)
    }

    @Test("channel bindings are hashed as the structure of RFC 2744, and none are sixteen zeros")
    func bindings() {
        #expect(NTLMKeys.channelBindings(nil) == [UInt8](repeating: 0, count: 16))
        // As openssl's MD5 has it of sixteen zeros, 04000000 and "abcd".
        #expect(Hex.encode(NTLMKeys.channelBindings(Array("abcd".utf8))) == "e3873c291580bf8a146910aeeba08c2e")
    }
}

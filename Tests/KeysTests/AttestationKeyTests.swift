import Keys
import Testing
import Vocabulary

struct AttestationKeyTests {
    private let now = Instant(seconds: 1_800_000_000)

    @Test("signs a text into an envelope that holds the text")
    func signs() throws {
        let key = try AttestationKey.make(for: "sallyport.test", at: self.now)
        let text = Array(#"{"nonce":"1234567890"}"#.utf8)
        let envelope = try key.sign(text)
        #expect(envelope.first == 0x30)
        #expect(envelope.indices.contains { envelope[$0...].starts(with: text) })
    }

    @Test("is read again from what was kept")
    func readsAgain() throws {
        let key = try AttestationKey.make(for: "sallyport.test", at: self.now)
        let again = try AttestationKey(privatePEM: key.privatePEM, certificatePEM: key.certificatePEM)
        #expect(again.certificatePEM == key.certificatePEM)
    }

    @Test("refuses another key's certificate, and what is none")
    func refuses() throws {
        let one = try AttestationKey.make(for: "one.test", at: self.now)
        let two = try AttestationKey.make(for: "two.test", at: self.now)
        #expect(throws: KeysError(.malformed, "")) {
            try AttestationKey(privatePEM: one.privatePEM, certificatePEM: two.certificatePEM)
        }
        #expect(throws: KeysError(.malformed, "")) {
            try AttestationKey(privatePEM: Secret("x"), certificatePEM: one.certificatePEM)
        }
    }
}

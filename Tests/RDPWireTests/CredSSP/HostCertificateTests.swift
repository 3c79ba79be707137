import Testing
import Vocabulary

@testable import RDPWire

/// A certificate with a P-256 key, signed with ECDSA and SHA-384; the expected values are openssl's.
@Suite("What sign-ins need of a certificate")
struct HostCertificateTests {
    static let certificate =
        Hex.decode(
            """
            3082017430820119a00302010202141fc1687abfeb67a3bf7ccc6bd7428aae5cf63f5e300a06082a8648ce3d040303300f31\
            0d300b06035504030c046465736b301e170d3236313132313139323830355a170d3336313131383139323830355a300f310d\
            300b06035504030c046465736b3059301306072a8648ce3d020106082a8648ce3d03010703420004c1af9fea126780c5d7ba\
            33f2aa6a07a18092153fc761340e884119c89f593cc0babb2e6e1c8a998f353a202ab49b0c89389cfb20568d9785c8d76ba5\
            c09e6093a3533051301d0603551d0e0416041495c88fc3c0a5e8e8a2fa38b0c8e8637f8c9f04fb301f0603551d2304183016\
            801495c88fc3c0a5e8e8a2fa38b0c8e8637f8c9f04fb300f0603551d130101ff040530030101ff300a06082a8648ce3d0403\
            030349003046022100ab4031666a260b91113dd97093572b8e3e7816c0667547e2fc416a561545afdd0221009630a2a88b27\
            1aef90f9ec57c5d5efbe52ef9aff4cf6961d1ff134b529d842fd
            """
        ) ?? []

    @Test("the content of the public key's bit string")
    func key() throws {
        let key = try CredSSPClient.subjectPublicKey(ofCertificate: Self.certificate)
        #expect(
            Hex.encode(key) == "04c1af9fea126780c5d7ba33f2aa6a07a18092153fc761340e884119c89f593cc0"
                + "babb2e6e1c8a998f353a202ab49b0c89389cfb20568d9785c8d76ba5c09e6093"
        )
    }

    @Test("the channel binding, with the hash of the certificate's signature")
    func binding() throws {
        let binding = try CredSSPClient.channelBinding(ofCertificate: Self.certificate)
        #expect(binding.starts(with: Array("tls-server-end-point:".utf8)))
        #expect(
            Hex.encode(binding.dropFirst(21)) == "c30748f8efae067b0e4390261cd51503c1e2cb9e4d432910"
                + "db026e12640a606ede55fc5af85a89cf4602239281f9eeb9"
        )
    }

    @Test("nothing of a certificate that is cut off")
    func cutOff() {
        for count in 0..<Self.certificate.count {
            #expect(throws: RDPWireError.self) {
                try CredSSPClient.subjectPublicKey(ofCertificate: Array(Self.certificate.prefix(count)))
            }
        }
    }
}

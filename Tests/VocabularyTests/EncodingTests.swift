import Testing
import Vocabulary

@Suite("Base64URL and Hex")
struct EncodingTests {
    @Test(
        "encodes the vectors of RFC 4648 section 10 without padding",
        arguments: [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ]
    )
    func vectors(plain: String, text: String) {
        #expect(Base64URL.encode(plain.utf8) == text)
        #expect(Base64URL.decode(text) == Array(plain.utf8))
    }

    @Test("uses the alphabet that is safe in addresses")
    func alphabet() {
        #expect(Base64URL.encode([0xfb, 0xff, 0xfe]) == "-__-")
        #expect(Base64URL.decode("-__-") == [0xfb, 0xff, 0xfe])
    }

    @Test("takes right padding", arguments: [("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo")])
    func padding(text: String, plain: String) {
        #expect(Base64URL.decode(text) == Array(plain.utf8))
    }

    @Test(
        "refuses foreign characters, wrong padding, dangling digits and stray bits",
        arguments: [
            "Z", "Zm9vY", "Zg=", "Zm8==", "Zm9v=", "====", "=", "==", "Zg==Zg==", "Z=g=", "Zh", "Zm9", "+/+/", "Zm9v\n",
            " Zm9v", "Zm 9v",
            "Zm9\u{0}", "Zm9é", "Zm9vZg===",
        ]
    )
    func refused(text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test("any bytes survive, and exactly one text decodes to them")
    func roundTrip() {
        var generator = SeededGenerator(state: 3)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let text = Base64URL.encode(bytes)
            #expect(Base64URL.decode(text) == bytes)
            #expect(Hex.decode(Hex.encode(bytes)) == bytes)
            #expect(Hex.decode(Hex.encode(bytes).uppercased()) == bytes)
        }
    }

    @Test("whatever decodes encodes to the same text")
    func canonical() {
        var generator = SeededGenerator(state: 4)
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        for _ in 0..<5000 {
            let units = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
                digits.randomElement(using: &generator) ?? 65
            }
            let text = String(decoding: units, as: UTF8.self)
            if let bytes = Base64URL.decode(text) { #expect(Base64URL.encode(bytes) == text) }
        }
    }

    @Test("refuses what is no base 16", arguments: ["0", "0g", "0x00", " 00", "é", "00\n", "０0"])
    func notHex(text: String) {
        #expect(Hex.decode(text) == nil)
    }

    @Test("a random token of 32 bytes has 43 characters")
    func token() {
        #expect(RandomSource.system.token().utf8.count == 43)
        #expect(RandomSource.system.token() != RandomSource.system.token())
        #expect(RandomSource.system.bytes(0).isEmpty)
    }
}

import Testing
import Vocabulary

@Suite("Percent-encoding")
struct PercentEncodingTests {
    @Test(
        "encodes everything but the unreserved characters",
        arguments: [
            ("abcXYZ019-._~", "abcXYZ019-._~"), ("a b", "a%20b"), ("a+b&c=d", "a%2Bb%26c%3Dd"),
            ("/..?#%", "%2F..%3F%23%25"), ("é", "%C3%A9"), ("\r\n", "%0D%0A"), ("\u{0}", "%00"),
            ("'\"`$()", "%27%22%60%24%28%29"), ("", ""),
        ]
    )
    func encode(text: String, expected: String) {
        #expect(PercentEncoding.encode(text) == expected)
    }

    @Test("decodes once, in either letter case", arguments: [("%2541", "%41"), ("%c3%A9", "é"), ("a", "a"), ("", "")])
    func decode(text: String, expected: String) {
        #expect(PercentEncoding.decode(text) == expected)
    }

    @Test("takes a plus for a space in forms alone")
    func plus() {
        #expect(PercentEncoding.decode("a+b%2B") == "a+b+")
        #expect(PercentEncoding.decode("a+b%2B", plusIsSpace: true) == "a b+")
    }

    @Test(
        "refuses broken escapes, zero bytes and what is not UTF-8",
        arguments: [
            "%", "a%4", "%zz", "%-1", "%+1", "% 1", "%ff", "%C3", "%ED%A0%80", "%C0%AF", "%00", "a\u{0}", "%４１",
        ]
    )
    func malformed(text: String) {
        #expect(PercentEncoding.decode(text) == nil)
    }

    @Test("gives back any text, and decodes any bytes to a text without zeros or not at all")
    func fuzz() {
        var numbers = SeededGenerator(state: 3986)
        let alphabet = Array("%%%+&=0aFgz/\u{0}é日".utf8)
        for _ in 0..<20_000 {
            let length = Int.random(in: 0...12, using: &numbers)
            let bytes = (0..<length).map { _ in alphabet.randomElement(using: &numbers) ?? 0 }
            if let decoded = PercentEncoding.decode(bytes) {
                #expect(!decoded.utf8.contains(0))
                #expect(PercentEncoding.decode(PercentEncoding.encode(decoded)) == decoded)
            }
            let text = String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
            #expect(PercentEncoding.decode(PercentEncoding.encode(text), plusIsSpace: true) == text)
        }
    }
}

@Suite("Form fields")
struct FormFieldsTests {
    @Test(
        "reads what browsers post",
        arguments: [
            ("a=1&b=2", ["a": "1", "b": "2"]), ("a=b+c%20d", ["a": "b c d"]), ("a", ["a": ""]), ("a=b=c", ["a": "b=c"]),
            ("", [:]), ("&&", [:]), ("a=%C3%A9", ["a": "é"]), ("a=1&A=2", ["a": "1", "A": "2"]),
        ] as [(String, [String: String])]
    )
    func decode(text: String, expected: [String: String]) {
        #expect(FormFields(text)?.values == expected)
    }

    @Test(
        "refuses repeated and empty names and broken escapes",
        arguments: ["a=1&a=1", "a=1&%61=2", "=x", "a=%", "%=1", "b=1&a=%zz", "a=%00", "a=%ff"]
    )
    func malformed(text: String) {
        #expect(FormFields(text) == nil)
    }

    @Test("takes names for the same whatever their case, when asked to")
    func names() {
        #expect(FormFields("Api-Version=1", names: .lowercased)?["api-version"] == "1")
        #expect(FormFields("a=1&%41=2", names: .lowercased) == nil)
    }

    @Test("refuses more fields than anybody sends")
    func bound() {
        let form = { (count: Int) in (1...count).map { "f\($0)=" }.joined(separator: "&") }
        #expect(FormFields(form(FormFields.mostFields))?.values.count == FormFields.mostFields)
        #expect(FormFields(form(FormFields.mostFields + 1)) == nil)
    }

    @Test("refuses bytes that are not UTF-8 instead of mending them")
    func raw() {
        #expect(FormFields([UInt8(ascii: "a"), UInt8(ascii: "="), 0xff]) == nil)
    }

    @Test("gives back any pairs, in their order")
    func encode() {
        #expect(FormFields.encode([("a", "1"), ("b c", "&")]) == "a=1&b%20c=%26")
        #expect(FormFields.encode([]).isEmpty)
        for text in ["", "a", "&=+%;", "é日👩‍👧", "\u{1f}\u{7f}", "a\r\nb", "%41"] {
            #expect(FormFields(FormFields.encode([(text + "k", text)]))?.values == [text + "k": text])
        }
    }
}

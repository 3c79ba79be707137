import Synchronization
import Testing
import Vocabulary

@Suite("Secret, PrintableText, ChangeFeed")
struct SecretTests {
    private struct Holder {
        let name = "alice"
        let password = Secret("correct horse")
    }

    @Test("a secret shows itself nowhere: description, debugging, reflection, dump, optionals, arrays, owners")
    func hidden() {
        let secret = Secret("correct horse")
        var dumped = ""
        dump(Holder(), to: &dumped)
        dump([secret], to: &dumped)
        let all = [
            "\(secret)", String(describing: secret), String(reflecting: secret), "\([secret])", "\(["k": secret])",
            "\(Optional(secret) as Any)", "\(Holder())", String(reflecting: Holder()), dumped,
            "\(Mirror(reflecting: secret).children.map { "\($0)" })",
        ]
        for text in all {
            #expect(!text.contains("horse"))
        }
        #expect("\(secret)" == "‹secret›")
    }

    @Test("a secret lends its value and compares by content")
    func use() {
        #expect(Secret(Array("abc".utf8)).withValue { $0.count } == 3)
        #expect(Secret(Array("abc".utf8)) == Secret(Array("abc".utf8)))
        #expect(Secret(Array("abc".utf8)) != Secret(Array("abd".utf8)))
        #expect(Secret(Array("abc".utf8)) != Secret(Array("ab".utf8)))
    }

    @Test(
        "constant-time comparison agrees with equality",
        arguments: [
            ("", "", true), ("a", "", false), ("a", "a", true), ("ab", "ba", false), ("\u{0}", "\u{80}", false),
        ]
    )
    func constantTime(left: String, right: String, expected: Bool) {
        #expect(ConstantTime.equal(Array(left.utf8), Array(right.utf8)) == expected)
    }

    @Test(
        "text from outside keeps what shows and loses what acts",
        arguments: [
            ("alice", "alice"), ("a\nb", "a?b"), ("a\r\nb", "a??b"), ("\u{1b}[31mred", "?[31mred"),
            ("\u{9b}31m", "?31m"), ("\u{7f}", "?"),
            ("\u{0}", "?"), ("a\u{202e}b", "a?b"), ("a\u{2066}b", "a?b"), ("a\u{61c}b", "a?b"), ("\u{2028}", "?"),
            ("\u{feff}", "?"),
            ("a\u{e0041}", "a?"), ("é日👩‍👧", "é日👩‍👧"), ("\t", "?"), ("", ""),
        ]
    )
    func printable(text: String, expected: String) {
        #expect(PrintableText.of(text) == expected)
        #expect(PrintableText.of(PrintableText.of(text)) == expected)
    }

    @Test("text from outside is cut at the limit")
    func limit() {
        #expect(PrintableText.of(String(repeating: "x", count: 300)).count == 256)
        #expect(PrintableText.of("abc", limit: 2) == "ab")
        #expect(PrintableText.of("abc", limit: 0).isEmpty)
    }

    @Test("a feed tells its listeners in the order they asked")
    func feed() {
        let feed = ChangeFeed<Int>()
        let heard = Mutex<[String]>([])
        feed.publish(0)
        feed.subscribe { change in heard.withLock { $0.append("a\(change)") } }
        feed.subscribe { change in heard.withLock { $0.append("b\(change)") } }
        feed.publish(1)
        #expect(heard.withLock { $0 } == ["a1", "b1"])
    }

    @Test("problems are equal when their codes are; a refusal is one sentence with its remedy")
    func problems() {
        #expect(Problem("A", shown: "x") == Problem("A", shown: "y", logged: "z"))
        #expect(Problem("A", shown: "x") != Problem("B", shown: "x"))
        #expect(Refusal("A", reason: "No.", remedy: "Ask.").sentence == "No. Ask.")
        #expect(Refusal("A", reason: "No.").sentence == "No.")
    }
}

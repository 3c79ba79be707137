import Testing
import Vocabulary

@testable import TemplateLanguage

@Suite("Finding texts in texts")
struct TextSearchTests {
    @Test("finds the first place and every place")
    func places() {
        func all(_ wanted: String, _ text: String) -> [Int] {
            var found: [Int] = []
            TextSearch(Array(wanted.utf8)).each(in: Array(text.utf8)) { place in
                found.append(place)
                return true
            }
            return found
        }
        #expect(all("aba", "ababa-aba") == [0, 2, 6])
        #expect(all("aab", "aaab") == [1])
        #expect(all("abc", "ab") == [])
        #expect(TextSearch(Array("aab".utf8)).first(in: Array("aaaab".utf8)) == 2)
        #expect(TextSearch(Array("x".utf8)).first(in: []) == nil)
    }

    @Test("splits at the first separator that fits, and never in the middle of one")
    func split() throws {
        #expect(try TestTemplates.value("[split('aXXXb', 'XX')]") == ["a", "Xb"])
        #expect(try TestTemplates.value("[split('a--b-c', createArray('--', '-'))]") == ["a", "b", "c"])
        #expect(try TestTemplates.value("[split('a--b', createArray('-', '--'))]") == ["a", "", "b"])
        #expect(try TestTemplates.value("[replace('aaaa', 'aa', 'b')]") == "bb")
    }

    // The product of the lengths is 10^11: a search that compares at every place would take minutes.
    @Test(
        "takes no longer for a text that almost fits everywhere",
        .timeLimit(.minutes(1)),
        arguments: ["[length(split(parameters('t'), parameters('w')))]", "[indexOf(parameters('t'), parameters('w'))]"]
    )
    func hostile(expression: String) throws {
        let parameters: JSONValue = [
            "t": ["value": .string(String(repeating: "a", count: 600_000))],
            "w": ["value": .string(String(repeating: "a", count: 200_000) + "b")],
        ]
        var run = try TestTemplates.run(
            [
                "parameters": ["t": ["type": "string"], "w": ["type": "string"]],
                "outputs": ["o": ["type": "int", "value": .string(expression)]],
            ],
            parameters
        )
        let outputs = try run.outputs { _ throws(TemplateError) in [:] }
        #expect(outputs["o"]?.value == (expression.contains("indexOf") ? -1 : 1))
    }

    @Test("refuses to look for thousands of texts in a long one")
    func manySeparators() throws {
        let parameters: JSONValue = [
            "t": ["value": .string(String(repeating: "a", count: 500_000))],
            "w": ["value": .array((0..<5000).map { .string("b\($0)") })],
        ]
        var run = try TestTemplates.run(
            [
                "parameters": ["t": ["type": "string"], "w": ["type": "array"]],
                "outputs": ["o": ["type": "array", "value": "[split(parameters('t'), parameters('w'))]"]],
            ],
            parameters
        )
        #expect(throws: TemplateError.self) { try run.outputs { _ throws(TemplateError) in [:] } }
    }

    @Test("takes secrets out longest first, and refuses more of them than can be looked for")
    func secrets() throws {
        let parameters: JSONValue = ["type": "secureObject"]
        let run = try TestTemplates.run(
            ["parameters": ["s": parameters]],
            ["s": ["value": ["a": "abcd", "b": "abcdefgh", "c": "abcd"]]]
        )
        #expect(run.secrets.map { $0.withValue { $0 } } == ["abcdefgh", "abcd"])
        let many: JSONValue = .array((0..<300).map { .string("secret\($0)") })
        #expect(throws: TemplateError.self) {
            try TestTemplates.run(["parameters": ["s": parameters]], ["s": ["value": ["a": many]]])
        }
    }
}

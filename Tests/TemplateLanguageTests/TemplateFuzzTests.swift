import Testing
import Vocabulary

@testable import TemplateLanguage

@Suite("Expressions")
struct TemplateFuzzTests {
    @Test("of any bytes give a value or an error")
    func fuzz() throws {
        var state: UInt64 = 42
        func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33)
        }
        let words = [
            "concat", "(", ")", "[", "]", ",", "'", ".", "?", "1", "-1", "9223372036854775807", "-9223372036854775808",
            "'a'", "'é🇩🇪'", "range", "format",
            "'{0:X}'", "substring", "padLeft", "createArray", "createObject", "div", "mod", "mul", "take", "skip",
            "split", "json", "'{'", "if", "true()",
            "variables", "'v'", "copyIndex", "reference", "map", "lambda", "lambdaVariables", "union", "replace",
            "string", "int", "dateTimeAdd", "'P9Y'",
            "resourceId", "'A/b'", "indexOf", "lastIndexOf", "base64", "uri", "sort", "min", "null()", "utcNow",
            "first", "last", " ", "dateTimeFromEpoch",
        ]
        let template = try Template(reading: TestTemplates.template(["variables": ["v": [1, "two", ["three": 3]]]]))
        var evaluator = Evaluator(template, TestTemplates.surroundings)
        var values = 0
        for round in 0..<100_000 {
            var text = "["
            if round % 2 == 0 {
                // A call with arguments, often of the right kind.
                text += words[next() % words.count] + "("
                text += (0..<(next() % 4)).map { _ in words[next() % words.count] }.joined(separator: ",") + ")"
            } else {
                for _ in 0..<(next() % 12) { text += words[next() % words.count] }
            }
            if round % 1000 == 0 { evaluator = Evaluator(template, TestTemplates.surroundings) }
            do throws(TemplateError) {
                _ = try evaluator.evaluate(.string(text + "]"), Frame(), at: "x")
                values += 1
            } catch {
                #expect(!error.reason.isEmpty)
            }
        }
        #expect(values > 1000)
    }
}

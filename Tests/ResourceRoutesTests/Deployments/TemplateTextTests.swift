import Testing
import Vocabulary

@testable import ResourceRoutes

@Suite("Templates as text")
struct TemplateTextTests {
    static let vectors: [(String, JSONValue)] = [
        (
            #"{"properties": {"mode": "Incremental", template:{"a": 1}}}"#,
            ["properties": ["mode": "Incremental", "template": ["a": 1]]]
        ),
        ("// first\n{ /* b * / */ \"a\" : [true, null, -1.5e3] } // end", ["a": [true, nil, .number(-1500)]]),
        ("{\"a\": \"// no comment /* here */\"}", ["a": "// no comment /* here */"]),
        ("{\"a\": \"[concat(\n\t'x')]\"}", ["a": "[concat(\n\t'x')]"]),
        (#"{"a": "\"//\"", b : 2}"#, ["a": "\"//\"", "b": 2]),
    ]

    @Test("are read with comments, long texts and bare names", arguments: vectors.indices)
    func reads(_ index: Int) throws {
        #expect(try JSONValue(parsing: TemplateText.plain(Self.vectors[index].0.utf8)) == Self.vectors[index].1)
    }

    @Test("that are no templates stay unreadable", arguments: ["{a b: 1}", "{\"a\": }", "/", "/* open", "{\"a"])
    func refuses(_ text: String) {
        #expect(throws: (any Error).self) { try JSONValue(parsing: TemplateText.plain(text.utf8)) }
    }
}

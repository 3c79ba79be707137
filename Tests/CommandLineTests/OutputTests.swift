import ArgumentParser
@testable import CommandLine
import Testing
import Vocabulary

@Suite("Output")
struct OutputTests {
    private static let columns: [(title: String, path: [String])] = [("Name", ["name"]), ("Inner", ["a", "b"])]
    private static let rows: JSONValue = [
        ["name": "one", "a": ["b": 1]], ["name": "a longer name", "a": nil], ["name": nil, "a": ["b": [true, nil]]],
    ]

    @Test("a table lines its columns up and leaves no blanks at line ends")
    func table() {
        #expect(
            Output.text(Self.rows, as: .table, columns: Self.columns).split(
                separator: "\n",
                omittingEmptySubsequences: false
            )
                == [
                    "Name           Inner", "-------------  -----------", "one            1", "a longer name",
                    "               [true,null]",
                ]
        )
    }

    @Test("tab-separated lines have no titles")
    func tsv() {
        #expect(Output.text(Self.rows, as: .tsv, columns: Self.columns) == "one\t1\na longer name\t\n\t[true,null]")
        #expect(Output.text(["name": "x"], as: .tsv, columns: Self.columns) == "x\t")
        #expect(Output.text([], as: .tsv, columns: Self.columns).isEmpty)
    }

    @Test("no output is none")
    func none() {
        #expect(Output.text(Self.rows, as: .none, columns: Self.columns).isEmpty)
    }

    @Test("nothing in an answer acts on the terminal or breaks a line", arguments: [OutputFormat.table, .tsv])
    func hostile(format: OutputFormat) {
        let text = Output.text(
            [["name": "a\u{1b}[2J\n\tb\u{9b}\u{202e}", "a": ["b": ["\u{9b}1"]]]],
            as: format,
            columns: Self.columns
        )
        #expect(text.contains("a?[2J??b??") && text.contains(#"["?1"]"#))
        #expect(!text.unicodeScalars.contains("\u{1b}") && !text.unicodeScalars.contains("\u{9b}"))
    }

    @Test("JSON is sorted, readable, and the same value without what acts on the terminal")
    func json() throws {
        let value: JSONValue = ["b": "/x", "a": ["\u{1b}\u{9b}\u{202e}\u{e0041}é日\n"]]
        let text = Output.text(value, as: .json, columns: [])
        #expect(try JSONValue(parsing: text.utf8) == value)
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || PrintableText.isHarmless($0) })
        #expect(text.contains("\"/x\"") && text.contains("é日"))
        #expect(
            try #require(text.firstRange(of: "\"a\"")).lowerBound < #require(text.firstRange(of: "\"b\"")).lowerBound
        )
    }

    @Test(
        "the formats are those of az, by their names",
        arguments: [("json", true), ("table", true), ("tsv", true), ("none", true), ("JSON", false), ("", false)]
    )
    func formats(name: String, isKnown: Bool) {
        #expect((OutputFormat(argument: name) != nil) == isKnown)
    }
}

import FoundationEssentials
import Testing
import Vocabulary

@Suite("JSONValue and JSONText")
struct JSONValueTests {
    @Test(
        "writes sorted members and unescaped slashes, and reads them back",
        arguments: [
            (nil, "null"), (true, "true"), (-1, "-1"), (.number(1.5), "1.5"), ("a/b", #""a/b""#),
            ([1, [nil]], "[1,[null]]"),
            (["b": 1, "a": [:], "B": []], #"{"B":[],"a":{},"b":1}"#), (.integer(.max), "9223372036854775807"),
            (.integer(.min), "-9223372036854775808"), ("\"\\\n\r\t\u{0}\u{1f}", #""\"\\\n\r\t\u0000\u001f""#),
            ("é日👩‍👧", #""é日👩‍👧""#),
            (.number(1e300), "1e+300"), (.number(5e-324), "5e-324"), (["": ["": ""]], #"{"":{"":""}}"#),
        ] as [(JSONValue, String)]
    )
    func roundTrip(value: JSONValue, text: String) throws {
        #expect(value.text == text)
        #expect(try JSONValue(parsing: text.utf8) == value)
        #expect(try JSONText.decode(JSONValue.self, from: text) == value)
    }

    @Test("what is no number is null")
    func notFinite() {
        #expect(JSONValue.number(.nan).text == "null")
        #expect(JSONValue.array([.number(.infinity), .number(-.infinity)]).text == "[null,null]")
    }

    @Test(
        "refuses what is not JSON",
        arguments: [
            "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{a:1}", "'a'", "nul", "01", "+1", "1.", ".5", "1e", "NaN",
            "\"\n\"", "\"\\x\"", "\"\\u12\"",
            "\"\\ud800\"", "[1] 2", "{\"a\" 1}", "[1 2]", "\"", "//x\n1", "\u{0}", "1\u{0}", "-", "--1", "1e400",
            "\u{feff}1",
            "\"\\ud800\\u0041\"", "\"\\udc00\"", "truex", "tru", "[", "[1", "{\"a\"", "{1:2}", "[,1]", "{,}",
        ]
    )
    func refused(text: String) {
        #expect(throws: (any Error).self) { try JSONValue(parsing: text.utf8) }
    }

    @Test("refuses bytes that are no text")
    func notText() {
        #expect(throws: (any Error).self) { try JSONValue(parsing: [0x22, 0xff, 0x22]) }
        #expect(throws: (any Error).self) { try JSONValue(parsing: [0x22, 0xc0, 0xaf, 0x22]) }
    }

    @Test("refuses depth that would exhaust the stack", arguments: ["[", "{\"a\":"])
    func depth(opening: String) {
        #expect(throws: (any Error).self) {
            try JSONValue(parsing: String(repeating: opening, count: 100_000).utf8)
        }
    }

    @Test("large numbers keep their size")
    func largeNumbers() throws {
        #expect(try JSONValue(parsing: "9223372036854775808".utf8).number == 9_223_372_036_854_775_808)
        #expect(try JSONValue(parsing: "9223372036854775808".utf8).integer == nil)
        #expect(try JSONValue(parsing: "2.0".utf8).integer == 2)
        #expect(try JSONValue(parsing: "2.5".utf8).integer == nil)
    }

    @Test("reads members by exact name, and in any letter case as ARM does")
    func members() {
        var value: JSONValue = ["Location": "north", "a": nil]
        #expect(value["location"] == nil && value.member("location")?.string == "north")
        #expect(value["a"] == .null && value["b"] == nil && value["a"]?.isNull == true)
        value["a"] = "x"
        value["Location"] = nil
        #expect(value == ["a": "x"])
        value = [1]
        value["a"] = "x"
        #expect(value == [1] && value["a"] == nil && value.member("a") == nil)
    }

    @Test("an exact name wins over one in other letters")
    func exactFirst() {
        #expect((["A": 1, "a": 2] as JSONValue).member("a") == 2)
    }

    @Test("each accessor answers for its own kind only")
    func accessors() {
        let all: [JSONValue] = [nil, true, 1, .number(1.5), "x", [1], ["a": 1]]
        #expect(all.map { $0.bool != nil } == [false, true, false, false, false, false, false])
        #expect(all.map { $0.integer != nil } == [false, false, true, false, false, false, false])
        #expect(all.map { $0.number != nil } == [false, false, true, true, false, false, false])
        #expect(all.map { $0.string != nil } == [false, false, false, false, true, false, false])
        #expect(all.map { $0.array != nil } == [false, false, false, false, false, true, false])
        #expect(all.map { $0.object != nil } == [false, false, false, false, false, false, true])
    }

    @Test("the library reads what we write, and we read what it writes")
    func library() throws {
        var generator = SeededGenerator(state: 5)
        for _ in 0..<500 {
            let value = Self.random(&generator, depth: 4)
            #expect(try JSONText.decode(JSONValue.self, from: value.text) == value)
            #expect(try JSONValue(parsing: JSONText.encode(value)) == value)
        }
    }

    @Test(
        "reads every escape",
        arguments: [
            (#""\u0041""#, "A"), (#""\ud83d\ude00""#, "😀"), (#""\/\b\f\n\r\t\"\\""#, "/\u{8}\u{c}\n\r\t\"\\"),
            (#""\u0000""#, "\u{0}"),
            (#""\uFFFF""#, "\u{ffff}"), (#""a\u00e9b""#, "aéb"), ("\t\n\r \"x\" ", "x"),
        ]
    )
    func escapes(text: String, expected: String) throws {
        #expect(try JSONValue(parsing: text.utf8) == .string(expected))
    }

    @Test("of two members with one name the last counts")
    func duplicates() throws {
        #expect(try JSONValue(parsing: #"{"a":1,"a":2}"#.utf8) == ["a": 2])
    }

    @Test("takes 512 levels and not one more")
    func levels() throws {
        let deep = { (levels: Int) in String(repeating: "[", count: levels) + String(repeating: "]", count: levels) }
        #expect(try JSONValue(parsing: deep(512).utf8).text == deep(512))
        #expect(throws: DecodingError.self) { try JSONValue(parsing: deep(513).utf8) }
    }

    @Test("any value reads back as it was written")
    func fuzzValues() throws {
        var generator = SeededGenerator(state: 6)
        for _ in 0..<2000 {
            let value = Self.random(&generator, depth: 5)
            #expect(try JSONValue(parsing: value.bytes) == value)
        }
    }

    @Test("damaged text is refused or read, it stops nothing, and what is read is stable")
    func fuzzText() throws {
        var generator = SeededGenerator(state: 8)
        for _ in 0..<5000 {
            var bytes = Self.random(&generator, depth: 3).bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
                let index = bytes.indices.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0...2, using: &generator) {
                case 0: bytes[index] = .random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(.random(in: 0...127, using: &generator), at: index)
                }
            }
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            #expect(try JSONValue(parsing: value.bytes).text == value.text)
        }
    }

    private static func random(_ generator: inout SeededGenerator, depth: Int) -> JSONValue {
        switch Int.random(in: 0...(depth == 0 ? 4 : 6), using: &generator) {
        case 0: return .null
        case 1: return .bool(.random(using: &generator))
        case 2: return .integer(.random(in: .min ... .max, using: &generator))
        case 3: return .number(Double(Int.random(in: -1000...1000, using: &generator)) + 0.5)
        case 4: return .string(Self.text(&generator))
        case 5:
            return .array(
                (0..<Int.random(in: 0...3, using: &generator)).map { _ in Self.random(&generator, depth: depth - 1) }
            )
        default:
            var members: [String: JSONValue] = [:]
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                members[Self.text(&generator)] = Self.random(&generator, depth: depth - 1)
            }
            return .object(members)
        }
    }

    private static func text(_ generator: inout SeededGenerator) -> String {
        let pieces: [String] = [
            "a", "\"", "\\", "/", "\n", "\u{8}", "\u{1f}", "\u{7f}", "é", "日", "👩‍👧", "\u{2028}", "u0041", "",
        ]
        return (0..<Int.random(in: 0...4, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }
            .joined()
    }
}

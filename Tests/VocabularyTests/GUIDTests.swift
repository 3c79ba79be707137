import Testing
import Vocabulary

@Suite("GUID")
struct GUIDTests {
    @Test("writes 36 lower-case characters, most significant digit first")
    func description() {
        let id = GUID(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210)
        #expect(id.description == "01234567-89ab-cdef-fedc-ba9876543210")
        #expect(
            id.bytes == [
                0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10,
            ]
        )
        #expect(GUID.zero.description == "00000000-0000-0000-0000-000000000000")
    }

    @Test("reads any letter case and means the same")
    func letterCase() {
        #expect(GUID("ABCDEF01-2345-6789-ABCD-EF0123456789") == GUID("abcdef01-2345-6789-abcd-ef0123456789"))
        #expect(GUID("ABCDEF01-2345-6789-ABCD-EF0123456789")?.description == "abcdef01-2345-6789-abcd-ef0123456789")
    }

    @Test(
        "refuses every other form",
        arguments: [
            "", "abcdef01-2345-6789-abcd-ef012345678", "abcdef01-2345-6789-abcd-ef01234567890",
            "{bcdef01-2345-6789-abcd-ef0123456789}", "abcdef0123456789abcdef0123456789",
            "abcdef01-2345-6789-abcd-ef012345678g", "abcdef0-12345-6789-abcd-ef0123456789",
            " abcdef01-2345-6789-abcd-ef012345678", "abcdef01-2345-6789-abcd_ef0123456789",
            "abcdef01-2345-6789-abcd-ef012345678\u{0}", "abcdef01-2345-6789-abcd-ef01234567é",
            "------------------------------------", "ａ0000000-0000-0000-0000-0000000000",
        ]
    )
    func refused(text: String) {
        #expect(GUID(text) == nil)
    }

    @Test("survives writing and reading, and orders as its text does")
    func roundTrip() {
        var generator = SeededGenerator(state: 7)
        var before = GUID.zero
        for _ in 0..<2000 {
            let id = GUID(high: generator.next(), low: generator.next())
            #expect(GUID(id.description) == id)
            #expect((before < id) == (before.description < id.description))
            before = id
        }
    }

    @Test("makes version 4, variant 1, from the random bytes it is given")
    func random() {
        #expect(
            GUID(from: RandomSource { _ in [UInt8](repeating: 0, count: 16) }).description
                == "00000000-0000-4000-8000-000000000000"
        )
        #expect(
            GUID(from: RandomSource { _ in [UInt8](repeating: 0xff, count: 16) }).description
                == "ffffffff-ffff-4fff-bfff-ffffffffffff"
        )
        #expect(GUID(from: .system) != GUID(from: .system))
    }

    @Test("is a string in JSON, and no other string decodes")
    func codable() throws {
        let id = try #require(GUID("abcdef01-2345-6789-abcd-ef0123456789"))
        let text = String(decoding: try JSONText.encode([id]), as: UTF8.self)
        #expect(text == #"["abcdef01-2345-6789-abcd-ef0123456789"]"#)
        #expect(try JSONText.decode([GUID].self, from: text) == [id])
        #expect(throws: DecodingError.self) { try JSONText.decode([GUID].self, from: #"["nobody"]"#) }
        #expect(throws: DecodingError.self) { try JSONText.decode([GUID].self, from: "[1]") }
    }
}

import Testing
import Vocabulary

@Suite("Instant")
struct InstantTests {
    @Test(
        "writes the civil date in UTC",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"), (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"), (1_767_225_600_000, "2026-01-01T00:00:00.000Z"),
            (1_772_236_800_000, "2026-02-28T00:00:00.000Z"), (1_772_323_200_000, "2026-03-01T00:00:00.000Z"),
            (4_107_456_000_000, "2100-02-28T00:00:00.000Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (2_147_483_648_000, "2038-01-19T03:14:08.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (-1, "1969-12-31T23:59:59.999Z"), (-1000, "1969-12-31T23:59:59.000Z"),
            (-2_203_891_200_000, "1900-03-01T00:00:00.000Z"), (-2_203_977_600_000, "1900-02-28T00:00:00.000Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"), (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        ] as [(Int64, String)]
    )
    func civil(milliseconds: Int64, text: String) {
        #expect(Instant(milliseconds: milliseconds).description == text)
    }

    @Test("every day of four centuries follows the day before it")
    func everyDay() {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var (year, month, day) = (1800, 1, 1)
        // 1800-01-01 is 62,091 days before 1970.
        for count in 0..<146_097 {
            let text = Instant(seconds: (Int64(count) - 62_091) * 86_400).sentence
            let expected = "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day) 00:00:00Z"
            guard text == expected else {
                Issue.record("\(text) is not \(expected)")
                return
            }
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            day += 1
            if day > lengths[month - 1] + (month == 2 && isLeap ? 1 : 0) { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
    }

    @Test("whole seconds are rounded down, before 1970 too")
    func seconds() {
        #expect(Instant(milliseconds: 1999).seconds == 1)
        #expect(Instant(milliseconds: -1).seconds == -1)
        #expect(Instant(milliseconds: -1000).seconds == -1)
        #expect(Instant(milliseconds: -1001).seconds == -2)
        #expect(Instant(seconds: -5).milliseconds == -5000)
    }

    @Test("adds, subtracts and compares")
    func arithmetic() {
        let noon = Instant(seconds: 43_200)
        #expect(noon + .milliseconds(1500) == Instant(milliseconds: 43_201_500))
        #expect(noon - .seconds(43_200) == Instant(seconds: 0))
        #expect(noon + .seconds(60) - noon == .seconds(60))
        #expect(noon < noon + .milliseconds(1))
        #expect(Duration.microseconds(-1999).milliseconds == -1)
    }

    @Test(
        "numbers out of range become the nearest instant, they stop nothing",
        arguments: [.max, .max / 1000 + 1] as [Int64]
    )
    func range(number: Int64) {
        let last = Instant(milliseconds: .max)
        let first = Instant(milliseconds: .min)
        #expect(Instant(seconds: number) == last)
        #expect(Instant(seconds: -number) == first)
        #expect(Instant(seconds: 0) + .seconds(number) == last)
        #expect(Instant(milliseconds: -1) - .seconds(number) == first)
        #expect(last + .milliseconds(1) == last)
        #expect(first - .milliseconds(1) == first)
        #expect(last - first == .milliseconds(Int64.max))
        #expect(first - last == .milliseconds(Int64.min))
        #expect(last.description.hasSuffix("Z"))
        #expect(first.description.hasPrefix("-"))
    }

    @Test("is whole milliseconds in JSON")
    func codable() throws {
        #expect(String(decoding: try JSONText.encode([Instant(milliseconds: -7)]), as: UTF8.self) == "[-7]")
        #expect(try JSONText.decode([Instant].self, from: "[-7]") == [Instant(milliseconds: -7)])
        #expect(throws: DecodingError.self) { try JSONText.decode([Instant].self, from: #"["-7"]"#) }
    }
}

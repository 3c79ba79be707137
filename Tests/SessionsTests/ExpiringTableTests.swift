import TestKit
import Testing
import Vocabulary

@testable import Sessions

@Suite("Tables whose entries have their time")
struct ExpiringTableTests {
    private static func at(_ seconds: Int64) -> Instant { Instant(seconds: seconds) }

    @Test("give back whatever's time has come, the earliest first, and nothing else")
    func expired() {
        var table = ExpiringTable<String, Int>()
        for (number, second) in [5, 1, 4, 2, 3].enumerated() {
            table.set("\(second)", number, until: Self.at(Int64(second)))
        }
        #expect(table.removeExpired(at: Self.at(3)).map(\.key) == ["1", "2", "3"])
        #expect(table.count == 2 && table["4"] == 2 && table["1"] == nil)
        #expect(table.removeExpired(at: Self.at(3)).isEmpty)
    }

    @Test("an entry that was put again has its new time, earlier or later")
    func again() {
        var table = ExpiringTable<String, Int>()
        table.set("later", 1, until: Self.at(1))
        table.set("later", 2, until: Self.at(9))
        table.set("earlier", 3, until: Self.at(9))
        table.set("earlier", 4, until: Self.at(2))
        table.update("later") { $0 = 5 }
        #expect(table.removeExpired(at: Self.at(5)).map(\.value) == [4])
        #expect(table.removeExpired(at: Self.at(9)).map(\.value) == [5])
    }

    @Test("what is taken away is gone, and past its time it is not given out")
    func removed() {
        var table = ExpiringTable<String, Int>()
        table.set("a", 1, until: Self.at(1))
        table.set("b", 2, until: Self.at(2))
        #expect(table.remove("a", at: Self.at(1)) == nil)
        #expect(table.remove("b", at: Self.at(1)) == 2)
        #expect(table.remove("b") == nil && table.count == 0)
        #expect(table.removeExpired(at: Self.at(9)).isEmpty)
    }

    @Test("the one that would go first makes room where there is a bound")
    func bounded() {
        var table = ExpiringTable<Int, Int>(most: 3)
        for number in [7, 3, 9] { table.set(number, number, until: Self.at(Int64(number))) }
        table.remove(3)
        for number in [1, 5, 9] { table.set(number, number, until: Self.at(Int64(number))) }
        #expect(table.count == 3 && table[1] == nil && table[5] != nil && table[7] != nil)
    }

    @Test("agree with a plain dictionary through any sequence")
    func random() {
        let spoiler = Spoiler(seed: 11)
        var table = ExpiringTable<Int, Int>()
        var plain: [Int: (value: Int, until: Int)] = [:]
        for step in 0..<20_000 {
            let key = spoiler.number(below: 300)
            switch spoiler.number(below: 10) {
            case 0...5:
                let until = step + spoiler.number(below: 500)
                table.set(key, step, until: Self.at(Int64(until)))
                plain[key] = (step, until)
            case 6, 7:
                #expect(table.remove(key) == plain.removeValue(forKey: key)?.value)
            default:
                let expired = plain.filter { $0.value.until <= step }
                #expect(Set(table.removeExpired(at: Self.at(Int64(step))).map(\.key)) == Set(expired.keys))
                plain = plain.filter { $0.value.until > step }
            }
            if table.count != plain.count { Issue.record("\(table.count) entries, not \(plain.count), at \(step)") }
        }
    }
}

import FoundationEssentials

/// Spoils messages, the same way for the same seed: hostile bytes for whatever reads them.
public struct Spoiler: RandomNumberGenerator, Sendable {
    private let random: SeededRandom

    /// Makes one.
    public init(seed: UInt64) {
        self.random = SeededRandom(seed)
    }

    /// How many inputs a test of this kind takes: `usual` ones, or as many as `SALLYPORT_FUZZ_ROUNDS` says, for a long run.
    public static func rounds(usually usual: Int) -> Int {
        ProcessInfo.processInfo.environment["SALLYPORT_FUZZ_ROUNDS"].flatMap { Int($0) } ?? usual
    }

    public func next() -> UInt64 {
        self.random.next()
    }

    /// A number below a bound.
    public func number(below bound: Int) -> Int {
        Int(self.random.next() % UInt64(max(bound, 1)))
    }

    /// One of several.
    public func one<Element>(of all: [Element]) -> Element {
        all[self.number(below: all.count)]
    }

    /// The message with one to four changes: a bit, a byte, a length that is too long, a piece cut out, doubled or cut off.
    public func spoil(_ message: [UInt8]) -> [UInt8] {
        var bytes = message
        for _ in 0...self.number(below: 4) where !bytes.isEmpty {
            let place = self.number(below: bytes.count)
            let end = min(bytes.count, place + 1 + self.number(below: 16))
            switch self.number(below: 10) {
            case 0: bytes[place] = UInt8(self.number(below: 256))
            case 1, 2: bytes[place] ^= 1 << UInt8(self.number(below: 8))
            case 3: bytes[place] = self.one(of: [0, 1, 0x7f, 0x80, 0xff])
            case 4: bytes.removeSubrange(place..<end)
            case 5: bytes.remove(at: place)
            case 6: bytes.insert(UInt8(self.number(below: 256)), at: place)
            case 7: bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
            // A length of four bytes. Source: ITU-T X.690 section 8.1.3.5.
            case 8: bytes.insert(contentsOf: [0x84, 0xff, 0xff, 0xff, 0xff], at: place)
            default: bytes.removeLast(bytes.count - place)
            }
        }
        return bytes
    }

    /// The message, spoiled as often as `times` in ten.
    public func spoil(_ message: [UInt8], timesInTen times: Int) -> [UInt8] {
        self.number(below: 10) < times ? self.spoil(message) : message
    }
}

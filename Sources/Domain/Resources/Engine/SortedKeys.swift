/// Texts in order, in runs of bounded length: a change while somebody reads an older copy copies one run, not all.
struct SortedKeys: Sendable {
    // Runs are split when they reach this length; none is ever empty.
    static let longestRun = 512

    private(set) var runs: [[String]] = []
    private(set) var count = 0

    init() {}

    var isEmpty: Bool { self.runs.isEmpty }

    /// Whether a text is among them.
    func contains(_ key: String) -> Bool {
        guard let run = self.run(of: key) else { return false }
        let place = Self.place(of: key, in: self.runs[run])
        return place < self.runs[run].count && self.runs[run][place] == key
    }

    /// Adds a text; nothing happens when it is there.
    mutating func insert(_ key: String) {
        guard let run = self.run(of: key) else {
            self.runs = [[key]]
            self.count = 1
            return
        }
        let place = Self.place(of: key, in: self.runs[run])
        if place < self.runs[run].count, self.runs[run][place] == key { return }
        self.runs[run].insert(key, at: place)
        self.count += 1
        guard self.runs[run].count >= Self.longestRun else { return }
        // What comes in order leaves full runs behind, not half-empty ones.
        let isLast = run == self.runs.count - 1 && place == self.runs[run].count - 1
        let cut = isLast ? self.runs[run].count - 1 : self.runs[run].count / 2
        let rest = Array(self.runs[run][cut...])
        self.runs[run].removeLast(self.runs[run].count - cut)
        self.runs.insert(rest, at: run + 1)
    }

    /// Takes a text out; nothing happens when it is not there.
    mutating func remove(_ key: String) {
        guard let run = self.run(of: key) else { return }
        let place = Self.place(of: key, in: self.runs[run])
        guard place < self.runs[run].count, self.runs[run][place] == key else { return }
        self.runs[run].remove(at: place)
        self.count -= 1
        if self.runs[run].isEmpty { self.runs.remove(at: run) }
    }

    /// Those from one text on, up to and without another one, in order; nothing is looked at before it is asked for.
    func from(_ start: String, to end: String?) -> Stretch {
        guard let run = self.run(of: start) else { return Stretch(runs: [], run: 0, place: 0, end: end) }
        return Stretch(runs: self.runs, run: run, place: Self.place(of: start, in: self.runs[run]), end: end)
    }

    /// A part of them, in order.
    struct Stretch: Sequence, IteratorProtocol, Sendable {
        fileprivate let runs: [[String]]
        fileprivate var run: Int
        fileprivate var place: Int
        fileprivate let end: String?

        mutating func next() -> String? {
            while self.run < self.runs.count, self.place >= self.runs[self.run].count {
                self.run += 1
                self.place = 0
            }
            guard self.run < self.runs.count else { return nil }
            let key = self.runs[self.run][self.place]
            if let end = self.end, key >= end { return nil }
            self.place += 1
            return key
        }
    }

    // The run in which a text stands or would stand: the last one that begins no later; nil when there is none at all.
    private func run(of key: String) -> Int? {
        guard !self.runs.isEmpty else { return nil }
        var low = 0
        var high = self.runs.count
        while low < high {
            let middle = (low + high) / 2
            if self.runs[middle][0] <= key { low = middle + 1 } else { high = middle }
        }
        return Swift.max(low - 1, 0)
    }

    private static func place(of key: String, in keys: [String]) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension SortedKeys: Sequence {
    func makeIterator() -> Stretch {
        Stretch(runs: self.runs, run: 0, place: 0, end: nil)
    }
}

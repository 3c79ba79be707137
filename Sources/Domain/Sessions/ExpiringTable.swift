import Vocabulary

/// Values that are good until an instant, each under a key; finds those whose time has come without a look at the others.
///
/// A change costs the logarithm of the number of entries. Where there is a bound, the entry that would go first makes room.
struct ExpiringTable<Key: Hashable, Value> {
    private var values: [Key: (value: Value, until: Instant)] = [:]
    // A binary heap, the earliest first. An entry whose value has gone or got another time is passed over when its turn comes.
    private var turns: [(at: Instant, key: Key)] = []
    private let most: Int

    /// Makes an empty table for at most so many entries.
    init(most: Int = .max) {
        self.most = most
    }

    /// How many there are.
    var count: Int { self.values.count }

    /// What stands under a key, whether its time has come or not.
    subscript(_ key: Key) -> Value? { self.values[key]?.value }

    /// Puts a value under a key, in place of what was there.
    mutating func set(_ key: Key, _ value: Value, until: Instant) {
        if self.values[key] == nil, self.values.count >= self.most { self.removeFirst() }
        self.values[key] = (value, until)
        self.push((until, key))
        // What was removed early waits here for its turn; not more of it than there is of the rest.
        if self.turns.count > 2 * self.values.count + 32 { self.tidy() }
    }

    /// Changes a value; its time stays.
    mutating func update(_ key: Key, _ change: (inout Value) -> Void) {
        guard var entry = self.values.removeValue(forKey: key) else { return }
        change(&entry.value)
        self.values[key] = entry
    }

    /// Takes a value away; nil when there is none, or its time has come.
    @discardableResult
    mutating func remove(_ key: Key, at now: Instant? = nil) -> Value? {
        guard let entry = self.values.removeValue(forKey: key) else { return nil }
        guard let now, entry.until <= now else { return entry.value }
        return nil
    }

    /// Takes away whatever's time has come, the earliest first.
    mutating func removeExpired(at now: Instant) -> [(key: Key, value: Value)] {
        var found: [(key: Key, value: Value)] = []
        while let first = self.turns.first, first.at <= now {
            if let entry = self.popFirst() { found.append(entry) }
        }
        return found
    }

    private mutating func removeFirst() {
        while !self.turns.isEmpty, self.popFirst() == nil {}
    }

    // MARK: The heap

    private mutating func popFirst() -> (key: Key, value: Value)? {
        let first = self.turns[0]
        let last = self.turns.removeLast()
        if !self.turns.isEmpty {
            self.turns[0] = last
            self.sink(0)
        }
        guard let entry = self.values[first.key], entry.until == first.at else { return nil }
        self.values[first.key] = nil
        return (first.key, entry.value)
    }

    private mutating func push(_ turn: (at: Instant, key: Key)) {
        self.turns.append(turn)
        var place = self.turns.count - 1
        while place > 0, self.turns[place].at < self.turns[(place - 1) / 2].at {
            self.turns.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func sink(_ start: Int) {
        var place = start
        while true {
            let children = [2 * place + 1, 2 * place + 2].filter { $0 < self.turns.count }
            guard let child = children.min(by: { self.turns[$0].at < self.turns[$1].at }),
                self.turns[child].at < self.turns[place].at
            else { return }
            self.turns.swapAt(place, child)
            place = child
        }
    }

    private mutating func tidy() {
        self.turns = self.values.map { ($0.value.until, $0.key) }
        for place in stride(from: self.turns.count / 2 - 1, through: 0, by: -1) { self.sink(place) }
    }
}

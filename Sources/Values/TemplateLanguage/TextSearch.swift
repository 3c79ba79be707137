/// Finds a text in others in a time that grows with their lengths and not with the product of them: both come from templates, and a
/// megabyte of one letter in two megabytes of it would take an hour.
///
/// Source: Knuth, Morris and Pratt, "Fast pattern matching in strings", 1977.
struct TextSearch<Unit: Equatable> {
    private let wanted: [Unit]
    /// For each place in what is wanted: how long the longest beginning of it is that ends there too.
    private let borders: [Int]

    /// Prepares the search for a text that is not empty.
    init(_ wanted: [Unit]) {
        var borders = [Int](repeating: 0, count: wanted.count)
        var length = 0
        for place in wanted.indices.dropFirst() {
            while length > 0, wanted[place] != wanted[length] { length = borders[length - 1] }
            if wanted[place] == wanted[length] { length += 1 }
            borders[place] = length
        }
        self.wanted = wanted
        self.borders = borders
    }

    /// Where it stands first; nil when it does not.
    func first(in text: [Unit]) -> Int? {
        var found: Int?
        self.each(in: text) { place in
            found = place
            return false
        }
        return found
    }

    /// Every place at which it begins, those that overlap too, until `body` says that this is enough.
    func each(in text: [Unit], _ body: (Int) -> Bool) {
        guard !self.wanted.isEmpty else { return }
        var length = 0
        for (place, unit) in text.enumerated() {
            while length > 0, unit != self.wanted[length] { length = self.borders[length - 1] }
            if unit == self.wanted[length] { length += 1 }
            guard length == self.wanted.count else { continue }
            guard body(place + 1 - length) else { return }
            length = self.borders[length - 1]
        }
    }
}

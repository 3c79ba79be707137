import Vocabulary

/// Which home directory belongs to whom: given once, and kept when the name changes.
struct HomeAssignments: Hashable, Sendable {
    /// Given so far.
    private(set) var homes: [GUID: String]
    private let base: String
    private let isTaken: @Sendable (_ path: String, _ number: UInt32) -> Bool

    /// Makes a book of homes under `base`; `isTaken` says whether a directory is there that is somebody else's.
    init(
        base: String,
        homes: [GUID: String] = [:],
        isTaken: @escaping @Sendable (_ path: String, _ number: UInt32) -> Bool
    ) {
        self.base = base
        self.homes = homes
        self.isTaken = isTaken
    }

    /// The home of a person; chosen at the first question.
    ///
    /// Named after the person; where another account's directory has that name, or another person was given it, the number follows.
    mutating func home(for id: GUID, name: String, number: UInt32) -> String {
        if let home = self.homes[id] { return home }
        var home = "\(self.base)/\(name)"
        if self.homes.values.contains(home) || self.isTaken(home, number) {
            home += ".\(number)"
        }
        self.homes[id] = home
        return home
    }

    static func == (left: HomeAssignments, right: HomeAssignments) -> Bool {
        left.homes == right.homes && left.base == right.base
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(self.homes)
    }
}

import Vocabulary

/// The cable between the box and one of its networks: four addresses of their own, of which it uses two.
struct LinkAddresses: Codable, Hashable, Sendable {
    /// How many there are in 169.254.128.0/17, without the block of the metadata address.
    static let count = 8192

    let index: Int

    /// The box's end.
    var box: String { IPv4Address(number: self.base + 1).description }
    /// The network's end.
    var network: String { IPv4Address(number: self.base + 2).description }

    private var base: UInt32 { 0xa9fe_8000 + UInt32(self.index) * 4 }

    /// The first free block at or after `start` whose box's end is in nobody's use; nil when all are taken.
    static func free(from start: Int, taken: Set<String>) -> LinkAddresses? {
        for step in 0..<Self.count {
            let candidate = LinkAddresses(index: (start + step) % Self.count)
            // 169.254.169.252/30 holds the address of the metadata service.
            if candidate.base == 0xa9fe_a9fc || taken.contains(candidate.box) { continue }
            return candidate
        }
        return nil
    }
}

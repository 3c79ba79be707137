public import Vocabulary

/// What was ordered of the fabric for a machine: kept with it, so that the order can be repeated after a restart.
public struct Making: Sendable, Hashable {
    /// What a machine shall be doing.
    public enum Power: String, Sendable {
        case running
        case stopped
        case deallocated
    }

    /// What the fabric calls the image.
    public var image: String
    /// What the system in the image calls itself.
    public var title: String
    /// The image that was asked for, as `publisher:offer:sku:version`, when another one was taken for it.
    public var substitutes: String?
    /// What it shall be doing.
    public var power = Power.running
    /// Whether it was made once: from then on its disk is there.
    public var isMade = false
    /// Whether a password or a start-up script came with the order, which are kept in memory only.
    public var needsSecrets = false

    init(image: String, title: String, substitutes: String? = nil) {
        self.image = image
        self.title = title
        self.substitutes = substitutes
    }

    /// As the store keeps it.
    var record: JSONValue {
        var record: JSONValue = [
            "image": .string(self.image), "title": .string(self.title), "power": .string(self.power.rawValue),
            "isMade": .bool(self.isMade), "needsSecrets": .bool(self.needsSecrets),
        ]
        record["substitutes"] = self.substitutes.map { .string($0) }
        return record
    }

    /// Reads what the store kept.
    init?(record: JSONValue) {
        guard let image = record["image"]?.string else { return nil }
        self.init(
            image: image,
            title: record["title"]?.string ?? image,
            substitutes: record["substitutes"]?.string
        )
        self.power = record["power"]?.string.flatMap { Power(rawValue: $0) } ?? .running
        self.isMade = record["isMade"]?.bool == true
        self.needsSecrets = record["needsSecrets"]?.bool == true
    }
}

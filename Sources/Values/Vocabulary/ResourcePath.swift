/// The name of a resource or scope in Azure's form, for example
/// `/subscriptions/{guid}/resourceGroups/demo/providers/Microsoft.Compute/virtualMachines/myVM`.
///
/// Compares without regard to letter case and keeps the spelling it was written in. `/` is the root scope. Source: Azure Resource
/// Manager resource provider contract, resource ids.
public struct ResourcePath: Sendable {
    /// The segments as written, without the empty ones.
    public let segments: [String]
    /// The path in lower case: what comparisons, storage keys and prefix tests use.
    public let key: String

    /// Reads a path; doubled and trailing slashes are collapsed because real clients send them.
    ///
    /// Returns nil without a leading slash, over 2,048 bytes, or with a control character, a backslash, `?`, `#`, `%`, a
    /// `.` or `..` segment, or a character that has several spellings or none that shows (see `isPlain`).
    public init?(_ text: some StringProtocol) {
        guard text.utf8.first == UInt8(ascii: "/"), text.utf8.count <= 2048 else { return nil }
        guard text.unicodeScalars.allSatisfy(Self.isPlain) else { return nil }
        // By bytes: a `Character` swallows a mark that follows it, so that "/" with an accent would be no separator.
        let segments = text.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
        guard !segments.contains("."), !segments.contains("..") else { return nil }
        self.init(segments: segments)
    }

    // Whatever passes is in normal form C, so that equal text and equal bytes are the same thing here, in the store and in every prefix
    // test. Azure allows letters and digits of every script in names, and no marks either.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7e: return !"\\?#%".unicodeScalars.contains(scalar)
        // Hangul vowels and finals that join the syllable before them.
        case 0x1161...0x1175, 0x11a8...0x11c2: return false
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .nonspacingMark,
            .spacingMark, .enclosingMark:
            return false
        default: return !scalar.properties.isFullCompositionExclusion
        }
    }

    private init(segments: [String]) {
        self.segments = segments
        self.key = "/" + segments.map { $0.lowercased() }.joined(separator: "/")
    }

    /// The scope above everything.
    public static let root = ResourcePath(segments: [])

    /// This path with more segments after it; the segments must be valid ones.
    public func appending(_ more: String...) -> ResourcePath {
        ResourcePath(segments: self.segments + more)
    }

    /// Whether `other` is this path or lies below it, by whole segments.
    public func contains(_ other: ResourcePath) -> Bool {
        guard !self.segments.isEmpty else { return true }
        var rest = other.key.utf8[...]
        for unit in self.key.utf8 {
            guard rest.popFirst() == unit else { return false }
        }
        return rest.first.map { $0 == UInt8(ascii: "/") } ?? true
    }

    /// The last segment: the resource's own name; empty for the root.
    public var name: String { self.segments.last ?? "" }

    /// The path with the last type/name pair removed, with its `providers/{namespace}` when that becomes empty; nil at the root.
    public var parent: ResourcePath? {
        guard !self.segments.isEmpty else { return nil }
        // A collection, `…/virtualMachines`, has half a pair at its end.
        var rest = self.segments.dropLast(self.segments.count % 2 == 0 ? 2 : 1)
        if rest.count >= 2, rest.count % 2 == 0, rest[rest.endIndex - 2].lowercased() == "providers" {
            rest = rest.dropLast(2)
        }
        return ResourcePath(segments: Array(rest))
    }

    /// The subscription that the path lies in.
    public var subscription: GUID? {
        guard self.segments.count >= 2, self.segments[0].lowercased() == "subscriptions" else { return nil }
        return GUID(self.segments[1])
    }

    /// The resource group's name, as written.
    public var resourceGroup: String? {
        guard self.segments.count >= 4, self.segments[0].lowercased() == "subscriptions",
            self.segments[2].lowercased() == "resourcegroups"
        else { return nil }
        return self.segments[3]
    }

    /// The resource type, for example `Microsoft.Compute/virtualMachines/extensions`, as written; that of the innermost provider.
    ///
    /// `Microsoft.Resources/subscriptions` and `Microsoft.Resources/resourceGroups` for those two; nil for the root and collections.
    public var type: String? {
        // A path is pairs of a type and a name: `providers` counts where a type stands, never as somebody's name.
        let isProvider = { (index: Int) in index % 2 == 0 && self.segments[index].lowercased() == "providers" }
        if let provider = self.segments.indices.last(where: isProvider) {
            let rest = Array(self.segments[(provider + 1)...])
            guard rest.count >= 3, rest.count % 2 == 1 else { return nil }
            let types = stride(from: 1, to: rest.count, by: 2).map { rest[$0] }
            return ([rest[0]] + types).joined(separator: "/")
        }
        switch self.segments.count {
        case 2 where self.subscription != nil: return "Microsoft.Resources/subscriptions"
        case 4 where self.resourceGroup != nil: return "Microsoft.Resources/resourceGroups"
        default: return nil
        }
    }

    /// Whether the resource type is the given one, in any letter case.
    public func isOf(type: String) -> Bool {
        self.type?.lowercased() == type.lowercased()
    }
}

extension ResourcePath: Hashable {
    public static func == (left: ResourcePath, right: ResourcePath) -> Bool {
        left.key == right.key
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.key)
    }
}

extension ResourcePath: CustomStringConvertible {
    public var description: String { "/" + self.segments.joined(separator: "/") }
}

extension ResourcePath: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let path = ResourcePath(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a resource path")
        }
        self = path
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.description)
    }
}

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
    /// Returns nil without a leading slash, over 2,048 bytes, or with a control character, a backslash, `?`, `#`, `%`, or a
    /// `.` or `..` segment.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.first == UInt8(ascii: "/"), text.utf8.count <= 2048 else { return nil }
        for unit in text.utf8 where unit < 0x20 || unit == 0x7f {
            return nil
        }
        let segments = String(text).split(separator: "/" as Character).map(String.init)
        for segment in segments {
            guard segment != ".", segment != "..", !segment.contains(where: { "\\?#%".contains($0) }) else {
                return nil
            }
        }
        self.init(segments: segments)
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
        self.segments.isEmpty || other.key == self.key || other.key.hasPrefix(self.key + "/")
    }

    /// The last segment: the resource's own name; empty for the root.
    public var name: String { self.segments.last ?? "" }

    /// The path with the last type/name pair removed, with its `providers/{namespace}` when that becomes empty; nil at the root.
    public var parent: ResourcePath? {
        guard !self.segments.isEmpty else { return nil }
        var rest = self.segments.dropLast(min(2, self.segments.count))
        if rest.count >= 2, rest[rest.endIndex - 2].lowercased() == "providers" {
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
        guard self.segments.count >= 4, self.segments[2].lowercased() == "resourcegroups" else { return nil }
        return self.segments[3]
    }

    /// The resource type, for example `Microsoft.Compute/virtualMachines/extensions`, as written; that of the innermost provider.
    ///
    /// `Microsoft.Resources/subscriptions` and `Microsoft.Resources/resourceGroups` for those two; nil for the root and collections.
    public var type: String? {
        if let provider = self.segments.lastIndex(where: { $0.lowercased() == "providers" }) {
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

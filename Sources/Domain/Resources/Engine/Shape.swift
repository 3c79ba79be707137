import Vocabulary

/// What a part of a resource's body looks like: says which members are read, which belong to the server, and what is referred to.
indirect enum Shape: Sendable {
    /// Anything; kept as sent.
    case anything
    /// A text of at most so many characters.
    case text(Int)
    /// One of these words in any letter case; kept in the spelling given here.
    case word([String])
    /// True or false.
    case flag
    /// A whole number.
    case number(ClosedRange<Int64>)
    /// An object with the `id` of another resource.
    case reference(ReferenceRule)
    /// The `id` of another resource itself, where it stands beside other members.
    case identifier(ReferenceRule)
    /// A list.
    case list(Shape)
    /// A list of `{name, properties}`, which get an `id` below the resource when they are shown.
    case named([String: Member])
    /// An object. Members that it does not name are kept as sent: newer api-versions add members all the time.
    case object([String: Member])
}

/// One member of an object.
struct Member: Sendable {
    /// Who may set it and who sees it.
    enum Use: Sendable {
        /// The client sets it; may be left out.
        case optional
        /// The client must set it.
        case required
        /// The server sets it; what clients send is ignored.
        case readOnly
        /// The client sends it, nothing keeps it: secrets.
        case writeOnly
    }

    let shape: Shape
    let use: Use
    let initial: JSONValue?

    /// A member; `initial` stands when the client leaves it out.
    init(_ shape: Shape, _ use: Use = .optional, initial: JSONValue? = nil) {
        self.shape = shape
        self.use = use
        self.initial = initial
    }
}

/// What a reference must lead to.
struct ReferenceRule: Sendable {
    /// How far away the other resource may be.
    enum Range: Sendable {
        case resourceGroup
        case subscription
        case tenant
    }

    /// The other resource's type.
    let type: String
    /// The right that the author of the reference needs on the other resource, for example `join`; nil when none.
    let action: String?
    /// How far away it may be.
    let range: Range
    /// Whether `properties` beside the `id` say something about the reference itself.
    let keepsProperties: Bool

    init(_ type: String, action: String?, range: Range = .subscription, keepsProperties: Bool = false) {
        self.type = type
        self.action = action
        self.range = range
        self.keepsProperties = keepsProperties
    }
}

/// A reference found in a body.
struct Reference: Sendable {
    let path: ResourcePath
    let rule: ReferenceRule
    /// Where in the body it stands, for messages.
    let place: String
}

extension Shape {
    /// Reads a part of a body: checks it, spells known names and words the one way, fills in what was left out.
    ///
    /// `keepsReadOnly` is for the system itself, which may set what belongs to the server.
    func read(_ value: JSONValue, at place: String, keepsReadOnly: Bool) throws(Problem) -> JSONValue {
        switch self {
        case .anything:
            return value.withoutNulls
        case .text(let longest):
            guard let text = value.string, text.utf8.count <= longest else {
                throw .invalidContent(place, "must be a text of at most \(longest) characters")
            }
            return value
        case .word(let words):
            let sent = value.string?.lowercased()
            guard let word = words.first(where: { $0.lowercased() == sent }) else {
                throw .invalidContent(place, "must be one of \(words.joined(separator: ", "))")
            }
            return .string(word)
        case .flag:
            // Templates write these as texts, too (az does for a scale set's interface), and Azure reads them.
            let texts = ["true": true, "false": false]
            guard let flag = value.bool ?? value.string.flatMap({ texts[$0.lowercased()] }) else {
                throw .invalidContent(place, "must be true or false")
            }
            return .bool(flag)
        case .number(let range):
            // Templates write numbers as texts, too (az does for ports), and Azure reads them.
            guard let number = value.integer ?? value.string.flatMap({ Int64($0) }), range.contains(number) else {
                throw .invalidContent(place, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return .integer(number)
        case .identifier(let rule):
            return .string(try Self.readIdentifier(value.string, rule, at: place).description)
        case .reference(let rule):
            guard let object = value.object, let text = value.member("id")?.string else {
                throw .invalidContent(place, "must be an object with the 'id' of a resource")
            }
            let path = try Self.readIdentifier(text, rule, at: "\(place).id")
            // Clients echo whole documents of the other resource here; only the reference is this resource's own.
            var kept: [String: JSONValue] = ["id": .string(path.description)]
            if rule.keepsProperties, let own = object["properties"] { kept["properties"] = own.withoutNulls }
            return .object(kept)
        case .list(let element):
            guard let elements = value.array, elements.count <= 1000 else {
                throw .invalidContent(place, "must be a list")
            }
            var read: [JSONValue] = []
            for (index, one) in elements.enumerated() {
                read.append(try element.read(one, at: "\(place)[\(index)]", keepsReadOnly: keepsReadOnly))
            }
            return .array(read)
        case .named(let members):
            return try Self.readNamed(value, members, at: place, keepsReadOnly: keepsReadOnly)
        case .object(let members):
            return try Self.readObject(value, members, at: place, keepsReadOnly: keepsReadOnly)
        }
    }

    private static func readIdentifier(_ text: String?, _ rule: ReferenceRule, at place: String)
        throws(Problem) -> ResourcePath
    {
        guard let path = text.flatMap({ ResourcePath($0) }), path.isOf(type: rule.type) else {
            throw Problem(
                "LinkedInvalidPropertyId",
                shown: "Property id '\(PrintableText.of(text ?? ""))' at path '\(place)' is invalid. "
                    + "Expected the id of a resource of type '\(rule.type)', such as "
                    + "/subscriptions/{subscription}/resourceGroups/{group}/providers/\(rule.type)/{name}."
            )
        }
        return path
    }

    private static func readNamed(
        _ value: JSONValue,
        _ members: [String: Member],
        at place: String,
        keepsReadOnly: Bool
    ) throws(Problem) -> JSONValue {
        guard let elements = value.array, elements.count <= 1000 else { throw .invalidContent(place, "must be a list") }
        var read: [JSONValue] = []
        var names: Set<String> = []
        for (index, element) in elements.enumerated() {
            let here = "\(place)[\(index)]"
            guard let name = element.member("name")?.string, NameRule.ordinary.allows(name) else {
                throw .invalidContent(here, "needs a valid 'name'")
            }
            guard names.insert(name.lowercased()).inserted else {
                throw .invalidContent(here, "repeats the name '\(name)'")
            }
            let properties = try Self.readObject(
                element.member("properties") ?? [:],
                members,
                at: here + ".properties",
                keepsReadOnly: keepsReadOnly
            )
            read.append(["name": .string(name), "properties": properties])
        }
        return .array(read)
    }

    private static func readObject(
        _ value: JSONValue,
        _ members: [String: Member],
        at place: String,
        keepsReadOnly: Bool
    ) throws(Problem) -> JSONValue {
        guard let sent = value.object else { throw .invalidContent(place, "must be an object") }
        let known = Dictionary(members.map { ($0.key.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
        var read: [String: JSONValue] = [:]
        for (name, value) in sent where !value.isNull {
            guard let (spelled, member) = known[name.lowercased()] else {
                read[name] = value.withoutNulls
                continue
            }
            switch member.use {
            case .optional, .required: break
            case .readOnly where keepsReadOnly: break
            case .readOnly, .writeOnly: continue
            }
            guard read[spelled] == nil else { throw .invalidContent("\(place).\(spelled)", "is there twice") }
            read[spelled] = try member.shape.read(value, at: "\(place).\(spelled)", keepsReadOnly: keepsReadOnly)
        }
        for (name, member) in members where read[name] == nil {
            if let initial = member.initial {
                read[name] = initial
            } else if member.use == .required {
                throw .invalidContent("\(place).\(name)", "is required")
            }
        }
        return .object(read)
    }

    /// Every reference in a part that was read before.
    func references(in value: JSONValue, at place: String) -> [Reference] {
        switch self {
        case .anything, .text, .word, .flag, .number:
            return []
        case .identifier(let rule):
            guard let path = value.string.flatMap({ ResourcePath($0) }) else { return [] }
            return [Reference(path: path, rule: rule, place: place)]
        case .reference(let rule):
            guard let path = value["id"]?.string.flatMap({ ResourcePath($0) }) else { return [] }
            return [Reference(path: path, rule: rule, place: place)]
        case .list(let element):
            return (value.array ?? []).enumerated().flatMap { element.references(in: $1, at: "\(place)[\($0)]") }
        case .named(let members):
            return (value.array ?? []).enumerated().flatMap { index, element in
                Shape.object(members).references(in: element["properties"] ?? [:], at: "\(place)[\(index)].properties")
            }
        case .object(let members):
            return members.flatMap { name, member in
                value[name].map { member.shape.references(in: $0, at: "\(place).\(name)") } ?? []
            }
        }
    }
}

extension JSONValue {
    /// The same without members that are null: real clients send them for what they leave open.
    var withoutNulls: JSONValue {
        switch self {
        case .object(let members): .object(members.filter { !$0.value.isNull }.mapValues(\.withoutNulls))
        case .array(let elements): .array(elements.map(\.withoutNulls))
        default: self
        }
    }
}

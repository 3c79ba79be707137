import Vocabulary

/// Functions on arrays and objects, and those that work on texts and arrays alike.
extension TemplateFunctions {
    static let collections: [String: LanguageFunction] = [
        "array": LanguageFunction(1...1, pure: { given in given[0].array == nil ? .array([given[0]]) : given[0] }),
        "createarray": LanguageFunction(0...(.max), pure: { given in .array(given.values) }),
        "createobject": LanguageFunction(
            0...(.max),
            pure: { given throws(TemplateError) in
                guard given.count % 2 == 0 else { throw given.wrong("takes names and values in turn.") }
                var out: [String: JSONValue] = [:]
                for index in stride(from: 0, to: given.count, by: 2) { out[try given.text(index)] = given[index + 1] }
                return .object(out)
            }
        ),
        "empty": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                switch given[0] {
                case .null: true
                case .string(let text): .bool(text.isEmpty)
                case .array(let list): .bool(list.isEmpty)
                case .object(let members): .bool(members.isEmpty)
                default: throw given.wrongType(0, "an array, an object or a string")
                }
            }
        ),
        "length": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                switch given[0] {
                case .string(let text): .integer(Int64(text.utf16.count))
                case .array(let list): .integer(Int64(list.count))
                case .object(let members): .integer(Int64(members.count))
                default: throw given.wrongType(0, "an array, an object or a string")
                }
            }
        ),
        "contains": LanguageFunction(2...2) { evaluator, given throws(TemplateError) in
            try evaluator.budget.spend(allOf: given[0])
            switch given[0] {
            case .string(let text):
                let wanted = given[1].string ?? given[1].integer.map { String($0) }
                guard let wanted else { throw given.wrongType(1, "a string") }
                return .bool(wanted.isEmpty || Self.place(of: Array(wanted.utf16), in: Array(text.utf16)) != nil)
            case .array(let list): return .bool(list.contains { Self.equal($0, given[1]) })
            case .object: return .bool(given[0].member(try given.text(1)) != nil)
            default: throw given.wrongType(0, "an array, an object or a string")
            }
        },
        "indexof": LanguageFunction(2...2) { evaluator, given throws(TemplateError) in
            try evaluator.budget.spend(allOf: given[0])
            if let list = given[0].array {
                return .integer(Int64(list.firstIndex { Self.equal($0, given[1]) } ?? -1))
            }
            let text = Array(try given.text(0).lowercased().utf16)
            let wanted = Array(try given.text(1).lowercased().utf16)
            return .integer(Int64(wanted.isEmpty ? 0 : Self.place(of: wanted, in: text) ?? -1))
        },
        "lastindexof": LanguageFunction(2...2) { evaluator, given throws(TemplateError) in
            try evaluator.budget.spend(allOf: given[0])
            if let list = given[0].array {
                return .integer(Int64(list.lastIndex { Self.equal($0, given[1]) } ?? -1))
            }
            let text = Array(try given.text(0).lowercased().utf16.reversed())
            let wanted = Array(try given.text(1).lowercased().utf16.reversed())
            guard let place = wanted.isEmpty ? 0 : Self.place(of: wanted, in: text) else { return -1 }
            return .integer(Int64(text.count - place - wanted.count))
        },
        "first": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                if let list = given[0].array { return list.first ?? .null }
                return .string(String(try given.text(0).prefix(1)))
            }
        ),
        "last": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                if let list = given[0].array { return list.last ?? .null }
                return .string(String(try given.text(0).suffix(1)))
            }
        ),
        "take": LanguageFunction(
            2...2,
            pure: { given throws(TemplateError) in
                let count = max(0, try given.amount(1))
                if let list = given[0].array { return .array(Array(list.prefix(count))) }
                return .string(String(decoding: Array(try given.text(0).utf16.prefix(count)), as: UTF16.self))
            }
        ),
        "skip": LanguageFunction(
            2...2,
            pure: { given throws(TemplateError) in
                let count = max(0, try given.amount(1))
                if let list = given[0].array { return .array(Array(list.dropFirst(count))) }
                return .string(String(decoding: Array(try given.text(0).utf16.dropFirst(count)), as: UTF16.self))
            }
        ),
        "range": LanguageFunction(
            2...2,
            pure: { given throws(TemplateError) in
                let start = try given.integer(0)
                let count = try given.integer(1)
                guard (0...10_000).contains(count), start.magnitude <= 2_147_483_647 else {
                    throw given.wrong("makes at most 10000 numbers of 32 bits.")
                }
                return .array((0..<count).map { .integer(start + $0) })
            }
        ),
        "flatten": LanguageFunction(1...1) { evaluator, given throws(TemplateError) in
            var out: [JSONValue] = []
            for one in try given.array(0) {
                guard let list = one.array else { throw given.wrongType(0, "an array of arrays") }
                try evaluator.budget.spend(list.count)
                out += list
            }
            return .array(out)
        },
        "items": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                .array(
                    try given.object(0).sorted { $0.key < $1.key }.map { ["key": .string($0.key), "value": $0.value] }
                )
            }
        ),
        "objectkeys": LanguageFunction(
            1...1,
            pure: { given throws(TemplateError) in
                .array(try given.object(0).keys.sorted().map { .string($0) })
            }
        ),
        "coalesce": LanguageFunction(1...(.max), pure: { given in given.values.first { !$0.isNull } ?? .null }),
        "tryget": LanguageFunction(
            2...(.max),
            pure: { given in
                var value = given[0]
                for step in given.values.dropFirst() {
                    if let name = step.string {
                        value = value.member(name) ?? .null
                    } else if let place = step.integer, let list = value.array, place >= 0, place < list.count {
                        value = list[Int(place)]
                    } else {
                        return .null
                    }
                }
                return value
            }
        ),
        "union": LanguageFunction(1...(.max)) { evaluator, given throws(TemplateError) in
            for one in given.values { try evaluator.budget.spend(allOf: one) }
            if given[0].array != nil {
                var out: [JSONValue] = []
                for index in given.values.indices {
                    for one in try given.array(index) {
                        try evaluator.budget.spend(out.count / 8 + 1)
                        if !out.contains(where: { Self.equal($0, one) }) { out.append(one) }
                    }
                }
                return .array(out)
            }
            var out: JSONValue = [:]
            for index in given.values.indices { out = Self.merged(out, .object(try given.object(index))) }
            return out
        },
        "shallowmerge": LanguageFunction(1...1) { evaluator, given throws(TemplateError) in
            var out: [String: JSONValue] = [:]
            for one in try given.array(0) {
                guard let members = one.object else { throw given.wrongType(0, "an array of objects") }
                try evaluator.budget.spend(members.count)
                out.merge(members) { $1 }
            }
            return .object(out)
        },
        "intersection": LanguageFunction(2...(.max)) { evaluator, given throws(TemplateError) in
            for one in given.values { try evaluator.budget.spend(allOf: one) }
            if var list = given[0].array {
                for index in given.values.indices.dropFirst() {
                    let other = try given.array(index)
                    try evaluator.budget.spend(list.count * (other.count / 8 + 1))
                    list = list.filter { one in other.contains { Self.equal($0, one) } }
                }
                return .array(list)
            }
            var members = try given.object(0)
            for index in given.values.indices.dropFirst() {
                let other = try given.object(index)
                members = members.filter { name, value in other[name].map { Self.equal($0, value) } ?? false }
            }
            return .object(members)
        },
        "equals": LanguageFunction(2...2) { evaluator, given throws(TemplateError) in
            try evaluator.budget.spend(allOf: given[0])
            return .bool(Self.equal(given[0], given[1]))
        },
        "not": LanguageFunction(1...1, pure: { given throws(TemplateError) in .bool(!(try given.truth(0))) }),
        "true": LanguageFunction(0...0, pure: { _ in true }),
        "false": LanguageFunction(0...0, pure: { _ in false }),
        "null": LanguageFunction(0...0, pure: { _ in .null }),
    ]

    /// Whether two values are the same; 2 and 2.0 are.
    static func equal(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if left == right { return true }
        switch (left, right) {
        case (.array(let one), .array(let other)):
            return one.count == other.count && zip(one, other).allSatisfy(Self.equal)
        case (.object(let one), .object(let other)):
            return one.count == other.count
                && one.allSatisfy { name, value in other[name].map { Self.equal(value, $0) } ?? false }
        default:
            guard let one = left.number, let other = right.number else { return false }
            return one == other
        }
    }

    // Objects in objects are merged too; of everything else the later one counts.
    private static func merged(_ left: JSONValue, _ right: JSONValue) -> JSONValue {
        guard case .object(var members) = left, case .object(let others) = right else { return right }
        for (name, value) in others {
            let spelled =
                members[name] == nil ? members.keys.first { $0.lowercased() == name.lowercased() } ?? name : name
            members[spelled] = members[spelled].map { Self.merged($0, value) } ?? value
        }
        return .object(members)
    }

    private static func place(of wanted: [UInt16], in text: [UInt16]) -> Int? {
        TextSearch(wanted).first(in: text)
    }
}

import Vocabulary

/// The resources of a template as a graph.
enum TemplatePlan {
    /// Works out which resources there are.
    static func resources(_ evaluator: inout Evaluator, frame: Frame) throws(TemplateError) -> [PlannedResource] {
        var out: [PlannedResource] = []
        for one in evaluator.template.resources {
            try Self.add(one.document, one.symbol, one.place, nil, frame, &evaluator, &out)
        }
        return out
    }

    private static func add(
        _ document: JSONValue,
        _ symbol: String?,
        _ place: String,
        _ parent: (type: String, name: String)?,
        _ frame: Frame,
        _ evaluator: inout Evaluator,
        _ out: inout [PlannedResource]
    ) throws(TemplateError) {
        guard document.object != nil else { throw TemplateError("A resource is an object.", at: place) }
        guard let copy = document.member("copy"), !copy.isNull else {
            return try Self.addOne(document, symbol, place, parent, frame, nil, &evaluator, &out)
        }
        let name = try evaluator.evaluate(copy.member("name") ?? .null, frame, at: "\(place).copy.name").string
        guard copy.object != nil, let name, !name.isEmpty else {
            throw TemplateError("A loop needs a 'name' and a 'count'.", at: "\(place).copy")
        }
        let count = try evaluator.count(
            copy.member("count") ?? .null,
            frame,
            at: "\(place).copy.count",
            Evaluator.nothing
        )
        var batch: Int64?
        switch copy.member("mode")?.string?.lowercased() {
        case "serial":
            batch = copy.member("batchSize")?.integer ?? 1
            guard let size = batch, size >= 1 else {
                throw TemplateError("'batchSize' is 1 or more.", at: "\(place).copy")
            }
        case "parallel", nil: break
        default: throw TemplateError("The mode of a loop is 'parallel' or 'serial'.", at: "\(place).copy.mode")
        }
        for turn in 0..<count {
            let inner = frame.turning(name, turn)
            try Self.addOne(document, symbol, place, parent, inner, (name, turn, batch), &evaluator, &out)
        }
    }

    private static func addOne(
        _ document: JSONValue,
        _ symbol: String?,
        _ place: String,
        _ parent: (type: String, name: String)?,
        _ frame: Frame,
        _ loop: (name: String, turn: Int64, batch: Int64?)?,
        _ evaluator: inout Evaluator,
        _ out: inout [PlannedResource]
    ) throws(TemplateError) {
        let written = WrittenResource(document: document, frame: frame, place: place)
        guard out.count < Template.mostResources else {
            throw TemplateError("The template makes more than \(Template.mostResources) resources.", at: place)
        }
        var type = try written.text("type", &evaluator)
        var name = try written.text("name", &evaluator)
        if let parent, !type.contains("/") {
            type = "\(parent.type)/\(type)"
            name = "\(parent.name)/\(name)"
        }
        let isWanted = try written.isWanted(&evaluator)
        let dependsOn = try written.dependsOn(&evaluator)
        let target = Target(
            scope: try written.optionalText("scope", &evaluator),
            subscription: try written.optionalText("subscriptionId", &evaluator),
            group: try written.optionalText("resourceGroup", &evaluator)
        )
        out.append(
            PlannedResource(
                type: type,
                name: name,
                path: try target.path(type, name, evaluator.surroundings.scope, place),
                apiVersion: try written.optionalText("apiVersion", &evaluator) ?? "",
                symbol: symbol.map { symbol in loop.map { "\(symbol)[\($0.turn)]" } ?? symbol },
                location: try written.optionalText("location", &evaluator),
                place: place,
                isWanted: isWanted,
                isExisting: document.member("existing")?.bool ?? false,
                frame: frame,
                document: document,
                loop: loop?.name ?? symbol,
                turn: loop?.turn ?? 0,
                batch: loop?.batch,
                dependsOn: dependsOn
            )
        )
        guard let nested = document.member("resources")?.array, isWanted else { return }
        for (index, child) in nested.enumerated() {
            try Self.add(child, nil, "\(place).resources[\(index)]", (type, name), frame, &evaluator, &out)
        }
    }

    /// What stands in a resource, worked out with the loop that it is in.
    private struct WrittenResource {
        let document: JSONValue
        let frame: Frame
        let place: String

        func text(_ member: String, _ evaluator: inout Evaluator) throws(TemplateError) -> String {
            guard let text = try self.optionalText(member, &evaluator) else {
                throw TemplateError("The resource needs '\(member)'.", at: self.place)
            }
            return text
        }

        func optionalText(_ member: String, _ evaluator: inout Evaluator) throws(TemplateError) -> String? {
            guard let value = self.document.member(member), !value.isNull else { return nil }
            let worked = try evaluator.evaluate(value, self.frame, at: "\(self.place).\(member)")
            guard let text = worked.string, !text.isEmpty, text.utf8.count <= 1024 else {
                throw TemplateError("'\(member)' must be a text.", at: "\(self.place).\(member)")
            }
            return text
        }

        func isWanted(_ evaluator: inout Evaluator) throws(TemplateError) -> Bool {
            guard let condition = self.document.member("condition") else { return true }
            guard let isWanted = try evaluator.evaluate(condition, self.frame, at: "\(self.place).condition").bool
            else {
                throw TemplateError("'condition' must come out as a boolean.", at: "\(self.place).condition")
            }
            return isWanted
        }

        func dependsOn(_ evaluator: inout Evaluator) throws(TemplateError) -> [String] {
            let place = "\(self.place).dependsOn"
            let written = try evaluator.evaluate(self.document.member("dependsOn") ?? [], self.frame, at: place)
            return try (written.array ?? []).map { one throws(TemplateError) in
                guard let text = one.string else { throw TemplateError("'dependsOn' is a list of texts.", at: place) }
                return text
            }
        }
    }

    /// Where a resource goes besides its type and name.
    private struct Target {
        let scope: String?
        let subscription: String?
        let group: String?

        func path(_ type: String, _ name: String, _ around: ResourcePath, _ place: String) throws(TemplateError)
            -> ResourcePath
        {
            var base = around == .root ? "" : around.description
            if let subscription = self.subscription { base = "/subscriptions/\(subscription)" }
            if let group = self.group {
                guard let owner = self.subscription ?? around.subscription?.description else {
                    throw TemplateError("'resourceGroup' needs 'subscriptionId' there.", at: place)
                }
                base = "/subscriptions/\(owner)/resourceGroups/\(group)"
            }
            if let scope = self.scope, type.lowercased() != PlannedResource.deploymentType.lowercased() {
                base = scope.hasPrefix("/") ? (scope == "/" ? "" : scope) : try Self.below(base, scope, place)
            }
            let isGroup = type.lowercased() == "microsoft.resources/resourcegroups"
            let tail = isGroup ? "/resourceGroups/\(name)" : ResourceName.path(type, ResourceName.segments(name))
            guard let tail, let path = ResourcePath(base + tail), path.type != nil else {
                throw TemplateError(
                    "The template resource '\(PrintableText.of(name))' for type '\(PrintableText.of(type))' has incorrect "
                        + "segment lengths, or characters that names cannot have. A name has one part for each part of the type "
                        + "after its namespace.",
                    at: place
                )
            }
            return path
        }

        // `Microsoft.Compute/virtualMachines/vm1`: a resource beside this one.
        private static func below(_ base: String, _ scope: String, _ place: String) throws(TemplateError) -> String {
            let parts = ResourceName.segments(scope)
            guard parts.count >= 3, parts.count % 2 == 1 else {
                throw TemplateError("'scope' is an identifier or 'namespace/type/name'.", at: place)
            }
            return "\(base)/providers/\(scope)"
        }
    }

    // MARK: Order

    /// Adds to each resource what it depends on, from `dependsOn`, from loops that go one after the other, from `reference`
    /// and from what it is nested in.
    static func connect(_ resources: inout [PlannedResource], _ evaluator: inout Evaluator) throws(TemplateError) {
        var known: [String: Set<Int>] = [:]
        for (index, one) in resources.enumerated() {
            for name in one.names { known[name, default: []].insert(index) }
            if let loop = one.loop { known[loop.lowercased(), default: []].insert(index) }
        }
        for index in resources.indices {
            var found: Set<Int> = []
            for text in resources[index].dependsOn {
                let key = ResourcePath(text).map(\.key) ?? text.lowercased()
                guard let others = known[key] ?? known[text.lowercased()] else {
                    throw TemplateError(
                        "The resource '\(PrintableText.of(text))' is not defined in the template. Name what is in the template.",
                        at: "\(resources[index].place).dependsOn"
                    )
                }
                found.formUnion(others)
            }
            let (needsRunning, names) = try RuntimeNeeds.of(resources[index], &evaluator)
            resources[index].needsRunning = needsRunning
            for name in names {
                found.formUnion(
                    known[ResourcePath(name).map(\.key) ?? name.lowercased()] ?? known[name.lowercased()] ?? []
                )
            }
            if let parent = resources[index].path.parent { found.formUnion(known[parent.key] ?? []) }
            if let batch = resources[index].batch {
                let before = resources[index].turn / batch - 1
                for (other, one) in resources.enumerated()
                where one.place == resources[index].place && one.turn / batch == before {
                    found.insert(other)
                }
            }
            found.remove(index)
            resources[index].dependencies = found.sorted()
        }
    }

    /// The places in the plan in an order in which each comes after what it depends on. Throws when they go round in a circle.
    static func order(_ resources: [PlannedResource]) throws(TemplateError) -> [Int] {
        var waiting = resources.map { $0.dependencies.count }
        var dependents = resources.map { _ in [Int]() }
        for (index, one) in resources.enumerated() {
            for other in one.dependencies { dependents[other].append(index) }
        }
        var ready = resources.indices.filter { waiting[$0] == 0 }
        var order: [Int] = []
        var next = 0
        while next < ready.count {
            order.append(ready[next])
            for other in dependents[ready[next]] {
                waiting[other] -= 1
                if waiting[other] == 0 { ready.append(other) }
            }
            next += 1
        }
        guard order.count == resources.count else {
            let circle = resources.indices.filter { waiting[$0] > 0 }.prefix(10)
                .map { PrintableText.of("\(resources[$0].type)/\(resources[$0].name)", limit: 120) }
            throw TemplateError(
                "Circular dependency detected on resources: '\(circle.joined(separator: "', '"))'. Take one 'dependsOn' or "
                    + "'reference' out.",
                at: "resources"
            )
        }
        return order
    }
}

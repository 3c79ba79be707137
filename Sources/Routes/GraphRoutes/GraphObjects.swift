import Identity
import Vocabulary

extension GraphRoutes {
    func groups(_ request: GraphRequest, _ reader: GraphReader) async throws(Problem) -> JSONValue {
        try await reader.requireAll()
        let filter = try GraphFilter.conditions(request.filter)
        let query = DirectoryQuery(filter.first, limit: request.limit, after: request.after)
        let page = try await Problem.hiding { try await self.directory.groups(query) }
        let shapes = filter.rest(page.values.map { GraphDocument.shape(of: $0) })
        return try self.list("groups", shapes, next: page.next, request)
    }

    /// One group and its members: `groups/{id}`, `…/members`, `…/transitiveMembers`.
    func group(
        _ name: String,
        _ rest: [String],
        _ request: GraphRequest,
        _ reader: GraphReader
    ) async throws(Problem) -> JSONValue {
        try await reader.requireAll()
        let group = try await self.group(name)
        let id = group.id
        switch (rest.first?.lowercased(), rest.count) {
        case (nil, _):
            return try GraphDocument.shape(of: group).document(request.select)
        case ("members", 1):
            let members = try await Problem.hiding { try await self.directory.members(of: id) }
            return try self.list(members, request)
        case ("transitivemembers", 1):
            let members = try await Problem.hiding {
                try await self.directory.principals(Array(try await self.directory.usersIn(groups: [id])))
            }
            return try self.list(members, request)
        case ("owners", 1):
            // Groups are administered by directory roles.
            return try self.list([Principal](), request)
        case ("memberof", 1):
            return try await self.groups(containing: id, directly: true, request)
        default:
            throw .unknownSegment(request)
        }
    }

    // MARK: Any object

    private static let mostIdentifiers = 1000

    /// `directoryObjects/getByIds`: those of the identifiers that exist, with their types. Others see themselves alone.
    func objects(_ request: GraphRequest, _ reader: GraphReader) async throws(Problem) -> JSONValue {
        guard let texts = request.body?.member("ids")?.array, texts.count <= Self.mostIdentifiers else {
            throw .badRequest("The request needs 'ids', at most \(Self.mostIdentifiers) of them.")
        }
        var ids: Set<GUID> = []
        for text in texts {
            guard let id = text.string.flatMap({ GUID($0) }) else {
                throw .badRequest("Invalid object identifier '\(PrintableText.of(text.string ?? "", limit: 64))'.")
            }
            ids.insert(id)
        }
        if try await !reader.readsAll() { ids.formIntersection([reader.subject.id]) }
        let wanted = Array(ids)
        let types = Set((request.body?.member("types")?.array ?? []).compactMap { $0.string?.lowercased() })
        let found = try await Problem.hiding { try await self.directory.principals(wanted) }
        var documents: [JSONValue] = []
        for principal in found.sorted(by: { $0.id < $1.id }) {
            let shape = GraphDocument.shape(of: principal)
            guard types.isEmpty || types.contains(shape.kind.lowercased()) || types.contains("directoryobject") else {
                continue
            }
            documents.append(try shape.document(request.select, typed: true))
        }
        return [
            "@odata.context": .string("\(self.base)/v1.0/$metadata#directoryObjects"),
            "value": .array(documents),
        ]
    }

    func object(_ name: String, _ reader: GraphReader) async throws(Problem) -> JSONValue {
        try await reader.require(GUID(name) == reader.subject.id)
        guard
            let id = GUID(name),
            let found = try await Problem.hiding({ try await self.directory.principal(id) })
        else { throw .unknownObject(name) }
        return try GraphDocument.shape(of: found).document(nil, typed: true)
    }

    // MARK: Lists

    /// A single object in an answer of its own.
    func document(of shape: GraphDocument.Shape, _ list: String, _ request: GraphRequest) throws(Problem) -> JSONValue {
        var document = try shape.document(request.select)
        document["@odata.context"] = .string("\(self.base)/v1.0/$metadata#\(list)/$entity")
        return document
    }

    func list(
        _ name: String,
        _ shapes: [GraphDocument.Shape],
        next: String?,
        _ request: GraphRequest,
        typed: Bool = false
    ) throws(Problem) -> JSONValue {
        var documents: [JSONValue] = []
        for shape in shapes {
            documents.append(try shape.document(request.select, typed: typed))
        }
        var document: JSONValue = [
            "@odata.context": .string("\(self.base)/v1.0/$metadata#\(name)"),
            "value": .array(documents),
        ]
        document["@odata.nextLink"] = next.map { .string(request.link(self.base, after: $0)) }
        return document
    }

    /// A list of mixed objects, which the directory gives as a whole; pages are cut here, by identifier.
    func list(_ objects: [Principal], _ request: GraphRequest) throws(Problem) -> JSONValue {
        guard request.filter == nil else { throw .unsupported("This list cannot be filtered.") }
        var start = GUID.zero
        if let after = request.after {
            guard let id = GUID(after) else { throw .badRequest("The skip token is invalid.") }
            start = id
        }
        let rest = objects.sorted { $0.id < $1.id }.filter { $0.id > start }
        let page = rest.prefix(request.limit)
        let next = page.count < rest.count ? page.last?.id.description : nil
        return try self.list(
            "directoryObjects",
            page.map { GraphDocument.shape(of: $0) },
            next: next,
            request,
            typed: true
        )
    }
}

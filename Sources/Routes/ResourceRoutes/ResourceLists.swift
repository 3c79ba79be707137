import Federation
import HTTPTypes
import Resources
import Vocabulary

extension ResourceRoutes {
    /// Most elements of a page: what is made and written in a few milliseconds.
    static let longestPage = 250

    /// `GET` of a collection: the resources of a type below the scope in the path.
    func list(_ type: String, _ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard call.request.method == .get else { throw .methodNotAllowed(call.request) }
        let path = call.request.path
        // The collection's own name, and `providers/{namespace}` with it when that is all there is.
        var scope = Array(path.segments.dropLast())
        if scope.count >= 2, scope[scope.count - 2].lowercased() == "providers" { scope = scope.dropLast(2) }
        guard let place = ResourcePath("/" + scope.joined(separator: "/")) else {
            throw .methodNotAllowed(call.request)
        }
        if type.lowercased() == "microsoft.authorization/locks", call.request.filter == "atScope()" {
            return try self.page(type, below: place, call, where: { $0.path.parent == place }) {
                self.document($0, call)
            }
        }
        // Before the filter, which may be one of a type's own.
        guard self.resources.actionType(of: type) != nil else { throw .unknownKind(type) }
        let filter = try self.filter(call)
        if type == ResourceRoutes.groupType, filter?.isAboutTags == false {
            throw ResourceFilter.problem(call.request.filter ?? "")
        }
        return try self.page(type, below: place, call, where: { filter?.admits($0) ?? true }) {
            var document = self.document($0, call)
            // Lists name the extensions of machines and no more, as Azure's do: `az vm list` stops at their two members `type`.
            if $0.isMachine, let nested = document["resources"]?.array {
                document["resources"] = .array(nested.map { ["id": $0["id"] ?? .null] })
            }
            return document
        }
    }

    /// `GET …/resources`: everything with a place of its own, in short form.
    func everything(_ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard call.request.method == .get else { throw .methodNotAllowed(call.request) }
        guard let scope = ResourcePath("/" + call.request.path.segments.dropLast().joined(separator: "/")) else {
            throw .methodNotAllowed(call.request)
        }
        let expand = Set((call.request.expand ?? "").lowercased().split(separator: ",").map { $0.filter { $0 != " " } })
        let filter = try self.filter(call)
        return try self.page(nil, below: scope, call, where: { filter?.admits($0) ?? true }) { resource in
            var document = resource.document
            for member in ["properties", "etag"] { document[member] = nil }
            // Whoever asks for a tag is not told the tags again. Source: Azure Resources REST, "Resources - List".
            if filter?.isAboutTags == true { document["tags"] = nil }
            if expand.contains("createdtime") { document["createdTime"] = .string(resource.createdAt.description) }
            if expand.contains("changedtime") { document["changedTime"] = .string(resource.changedAt.description) }
            if expand.contains("provisioningstate") {
                document["provisioningState"] = .string(resource.provisioningState)
            }
            return document
        }
    }

    private func filter(_ call: ResourceCall) throws(Problem) -> ResourceFilter? {
        guard let text = call.request.filter, !text.isEmpty else { return nil }
        return try ResourceFilter(text)
    }

    /// One page of those that pass, as they are shown, with the address of the next one.
    private func page(
        _ type: String?,
        below scope: ResourcePath,
        _ call: ResourceCall,
        where passes: (Resource) -> Bool,
        _ show: (Resource) -> JSONValue
    ) throws(Problem) -> ARMResponse {
        let options = call.request.options
        let token = SkipToken(call.request)
        let last = try options["$skiptoken"].map { text throws(Problem) in try token.read(text) }
        var size = Self.longestPage
        if let text = options["$top"] {
            guard let top = Int(text), top > 0 else {
                throw Problem("InvalidTop", shown: "$top must be a whole number above zero.")
            }
            size = min(size, top)
        }
        let page = try self.resources.page(
            type: type,
            below: scope,
            after: last,
            limit: size,
            for: call.caller.subject,
            where: passes
        )
        var next: String?
        if page.hasMore, let last = page.resources.last {
            var query = options
            query["$skiptoken"] = token.write(after: last.path.key)
            next = self.absolute(call.request.path, query)
        }
        return .list(page.resources.map(show), next: next)
    }

    /// An absolute address of ours.
    func absolute(_ path: ResourcePath, _ query: [String: String]) -> String {
        AbsoluteAddress.write(self.origin, path, query)
    }
}

import Federation
import HTTPTypes
import Resources
import Vocabulary

extension ResourceRoutes {
    /// Most elements of a page.
    static let longestPage = 1000

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
        let found = try self.resources.list(type: type, below: place, for: call.caller.subject)
        return try self.page(found, call) { resource in self.document(resource, call) }
    }

    /// `GET …/resources`: everything with a place of its own, in short form.
    func everything(_ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard call.request.method == .get else { throw .methodNotAllowed(call.request) }
        guard let scope = ResourcePath("/" + call.request.path.segments.dropLast().joined(separator: "/")) else {
            throw .methodNotAllowed(call.request)
        }
        let expand = Set((call.request.expand ?? "").lowercased().split(separator: ",").map { $0.filter { $0 != " " } })
        let found = try self.resources.list(type: nil, below: scope, for: call.caller.subject)
        return try self.page(found, call) { resource in
            var document = self.resources.document(of: resource)
            for member in ["properties", "resources", "etag"] { document[member] = nil }
            if expand.contains("createdtime") { document["createdTime"] = .string(resource.createdAt.description) }
            if expand.contains("changedtime") { document["changedTime"] = .string(resource.changedAt.description) }
            if expand.contains("provisioningstate") {
                document["provisioningState"] = .string(resource.provisioningState)
            }
            return document
        }
    }

    /// Filters, cuts into pages, and shows.
    private func page(_ found: [Resource], _ call: ResourceCall, _ show: (Resource) -> JSONValue)
        throws(Problem) -> ARMResponse
    {
        let options = call.request.options
        var kept = found
        if let text = call.request.filter, !text.isEmpty {
            let filter = try ResourceFilter(text)
            kept = kept.filter { filter.admits($0) }
        }
        if let token = options["$skiptoken"] {
            guard let bytes = Base64URL.decode(token), let last = String(validating: bytes, as: UTF8.self) else {
                throw Problem("InvalidSkipToken", shown: "The $skiptoken is not one that this service gave out.")
            }
            kept = Array(kept.drop { $0.path.key <= last })
        }
        var size = Self.longestPage
        if let text = options["$top"] {
            guard let top = Int(text), top > 0 else {
                throw Problem("InvalidTop", shown: "$top must be a whole number above zero.")
            }
            size = min(size, top)
        }
        let page = kept.prefix(size)
        var next: String?
        if kept.count > size, let last = page.last {
            var query = options
            query["$skiptoken"] = Base64URL.encode(last.path.key.utf8)
            next = self.absolute(call.request.path, query)
        }
        return .list(page.map(show), next: next)
    }

    /// An absolute address of ours.
    func absolute(_ path: ResourcePath, _ query: [String: String]) -> String {
        let pairs = query.sorted { $0.key < $1.key }.map { "\(Self.escaped($0.key))=\(Self.escaped($0.value))" }
        let place = path.segments.map(Self.escaped).joined(separator: "/")
        return "\(self.origin)/\(place)" + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
    }

    // RFC 3986 section 2.3, and `$`, which clients look for in the names of options.
    private static func escaped(_ text: String) -> String {
        var out = ""
        for unit in text.utf8 {
            switch unit {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "$"):
                out.append(Character(UnicodeScalar(unit)))
            default:
                out += "%" + Hex.encode([unit]).uppercased()
            }
        }
        return out
    }
}

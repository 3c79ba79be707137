import Client
import Vocabulary

/// Turns names of roles into ids and back.
struct RoleNames {
    private let context: Context

    init(_ context: Context) {
        self.context = context
    }

    /// The id of a role definition, by name or GUID.
    func definition(named name: String, at scope: ResourcePath) async throws -> String {
        if let id = GUID(name) {
            return
                "/subscriptions/\(try self.context.subscription())/providers/Microsoft.Authorization/roleDefinitions/\(id)"
        }
        let filter = PercentEncoding.encode("roleName eq '\(name.replacing("'", with: "''"))'")
        let matches = try await self.context.resources.list(
            MachineFinder.escaped(scope) + "/providers/Microsoft.Authorization/roleDefinitions?$filter=\(filter)"
        )
        guard let id = matches.first?["id"]?.string else {
            throw Problem("RoleNotFound", shown: "There is no role '\(PrintableText.of(name))'.")
        }
        return id
    }

    /// Adds `roleDefinitionName` to assignments.
    func named(_ rows: [JSONValue], at scope: ResourcePath) async throws -> [JSONValue] {
        let all = try await self.context.resources.list(
            MachineFinder.escaped(scope) + "/providers/Microsoft.Authorization/roleDefinitions"
        )
        var names: [String: JSONValue] = [:]
        for definition in all {
            if let id = definition["name"]?.string { names[id.lowercased()] = definition["properties"]?["roleName"] }
        }
        return rows.map { row in
            var row = row
            let id = row["properties"]?["roleDefinitionId"]?.string?.split(separator: "/").last?.lowercased() ?? ""
            row["roleDefinitionName"] = names[id]
            return row
        }
    }
}

/// Looks people and applications up in the directory. Source: Microsoft Graph v1.0.
struct Graph {
    private let context: Context

    init(_ context: Context) {
        self.context = context
    }

    /// The object id behind a user name, an application id or an object id.
    func objectID(of name: String) async throws -> String {
        let quoted = name.replacing("'", with: "''")
        if name.contains("@"),
            let id = try await self.first(
                "/users?$filter=" + PercentEncoding.encode("userPrincipalName eq '\(quoted)'")
            )
        {
            return id
        }
        let query =
            "/servicePrincipals?$filter=" + PercentEncoding.encode("servicePrincipalNames/any(c:c eq '\(quoted)')")
        if let id = try await self.first(query) { return id }
        if let id = GUID(name) { return id.description }
        throw Problem("PrincipalNotFound", shown: "The directory knows no '\(PrintableText.of(name))'.")
    }

    private func first(_ query: String) async throws -> String? {
        let account = self.context.account
        let token = try await self.context.signedIn.token(scope: Scope.graph(account.url))
        let reply = try await self.context.signedIn.connection.send(
            WebRequest("GET", account.url + "/v1.0" + query, headers: [("Authorization", "Bearer " + token.token)])
        )
        guard reply.status == 200 else { throw ResourceManager.problem(reply) }
        return reply.json?["value"]?.array?.first?["id"]?.string
    }
}

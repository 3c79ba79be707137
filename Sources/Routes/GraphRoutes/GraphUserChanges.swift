import Identity
import Vocabulary

extension GraphRoutes {
    private static let properties: Set<String> = [
        "accountEnabled", "displayName", "givenName", "mail", "mailNickname", "passwordProfile", "surname",
        "userPrincipalName",
    ]

    /// Adds a person. Source: Microsoft Graph, "Create user".
    func createUser(_ request: GraphRequest, _ reader: GraphReader) async throws(Problem) -> JSONValue {
        try await reader.requireUserAdministration()
        let body = try GraphBody(request.body, Self.properties)
        let draft = UserDraft(
            // An id that nobody has: finding somebody by name would change them.
            id: GUID(from: self.random),
            userPrincipalName: try body.requiredText("userPrincipalName"),
            displayName: try body.requiredText("displayName"),
            givenName: try body.text("givenName"),
            surname: try body.text("surname"),
            mail: try body.text("mail"),
            accountEnabled: try body.flag("accountEnabled"),
            mustChangePassword: try Self.mustChangePassword(body)
        )
        guard draft.accountEnabled != nil else { throw GraphBody.missing("accountEnabled") }
        guard try Self.nickname(body) != nil else { throw GraphBody.missing("mailNickname") }
        guard let password = try Self.password(body) else { throw GraphBody.missing("password") }
        let made = try await Problem.hiding {
            try await self.directory.put(user: draft, password: password, by: reader.author)
        }
        return try self.document(of: GraphDocument.shape(of: made.value), "users", request)
    }

    /// Changes a person. Source: Microsoft Graph, "Update user".
    func change(_ user: User, _ request: GraphRequest, _ reader: GraphReader) async throws(Problem) {
        try await reader.requireUserAdministration()
        try await reader.requirePower(over: user.id)
        let body = try GraphBody(request.body, Self.properties)
        guard !body.names.isEmpty else { throw .badRequest("The request changes nothing.") }
        if body.names == ["accountEnabled"] {
            guard let isEnabled = try body.flag("accountEnabled") else { throw GraphBody.missing("accountEnabled") }
            _ = try await Problem.hiding {
                try await self.directory.setEnabled(user.id, isEnabled, by: reader.author)
            }
            return
        }
        _ = try Self.nickname(body)
        let draft = UserDraft(
            id: user.id,
            userPrincipalName: try body.text("userPrincipalName") ?? user.userPrincipalName,
            displayName: try body.text("displayName") ?? user.displayName,
            givenName: try body.text("givenName"),
            surname: try body.text("surname"),
            mail: try body.text("mail"),
            accountEnabled: try body.flag("accountEnabled"),
            mustChangePassword: try Self.mustChangePassword(body)
        )
        let password = try Self.password(body)
        _ = try await Problem.hiding {
            try await self.directory.put(user: draft, password: password, by: reader.author)
        }
    }

    /// Removes a person. Source: Microsoft Graph, "Delete user".
    func delete(_ user: User, _ reader: GraphReader) async throws(Problem) {
        try await reader.requireUserAdministration()
        try await reader.requirePower(over: user.id)
        _ = try await Problem.hiding { try await self.directory.delete(user.id, by: reader.author) }
    }

    private static func profile(_ body: GraphBody) throws(Problem) -> GraphBody? {
        let profile = try body.object(
            "passwordProfile",
            ["password", "forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa"]
        )
        try profile?.require("forceChangePasswordNextSignInWithMfa", false)
        return profile
    }

    private static func password(_ body: GraphBody) throws(Problem) -> Secret<[UInt8]>? {
        try Self.profile(body)?.text("password").map { Secret(Array($0.utf8)) }
    }

    private static func mustChangePassword(_ body: GraphBody) throws(Problem) -> Bool? {
        try Self.profile(body)?.flag("forceChangePasswordNextSignIn")
    }

    // Nobody gets mail here: the nickname that clients must send is checked and not kept.
    private static func nickname(_ body: GraphBody) throws(Problem) -> String? {
        guard let name = try body.text("mailNickname") else { return nil }
        guard (1...64).contains(name.utf8.count), !name.contains(where: { "@()\\[]\";:<>, ".contains($0) }) else {
            throw .badRequest("Invalid value specified for property 'mailNickname' of resource 'User'.")
        }
        return name
    }
}

import Identity
import Vocabulary

/// Directory objects as Microsoft Graph writes them: the usual members, and further ones for those who `$select` them.
enum GraphDocument {
    /// What is shown of an object: the members that everybody gets, and those that must be asked for.
    struct Shape: Sendable {
        let kind: String
        let usual: JSONValue
        let further: JSONValue
    }

    static func shape(of user: User) -> Shape {
        Shape(
            kind: "user",
            usual: [
                "id": .string(user.id.description),
                "businessPhones": [],
                "displayName": .string(user.displayName),
                "givenName": .optional(user.givenName),
                "jobTitle": .null,
                "mail": .optional(user.mail),
                "mobilePhone": .null,
                "officeLocation": .null,
                "preferredLanguage": .null,
                "surname": .optional(user.surname),
                "userPrincipalName": .string(user.userPrincipalName),
            ],
            further: [
                "accountEnabled": .bool(user.accountEnabled),
                "createdDateTime": .string(user.createdAt.description),
                "userType": user.isGuest ? "Guest" : "Member",
            ]
        )
    }

    static func shape(of group: Group) -> Shape {
        Shape(
            kind: "group",
            usual: [
                "id": .string(group.id.description),
                "displayName": .string(group.displayName),
                "description": .optional(group.description),
                "groupTypes": [],
                "mail": .null,
                "mailEnabled": false,
                "securityEnabled": true,
            ],
            further: [:]
        )
    }

    static func shape(of principal: ServicePrincipal) -> Shape {
        Shape(
            kind: "servicePrincipal",
            usual: [
                "id": .string(principal.id.description),
                "accountEnabled": .bool(principal.accountEnabled),
                "appId": .string(principal.appID.description),
                "appDisplayName": .string(principal.displayName),
                "displayName": .string(principal.displayName),
                "servicePrincipalNames": .array(principal.names.map(JSONValue.string)),
                "servicePrincipalType": principal.kind == .managedIdentity ? "ManagedIdentity" : "Application",
            ],
            further: ["createdDateTime": .string(principal.createdAt.description)]
        )
    }

    static func shape(of principal: Principal) -> Shape {
        switch principal {
        case .user(let user): Self.shape(of: user)
        case .group(let group): Self.shape(of: group)
        case .servicePrincipal(let principal): Self.shape(of: principal)
        }
    }
}

extension GraphDocument.Shape {
    /// The members that are wanted. Throws Request_BadRequest for one that the object does not have; not in `typed`
    /// documents, which stand in lists of several kinds.
    func document(_ select: Set<String>?, typed: Bool = false) throws(Problem) -> JSONValue {
        var document = self.usual
        if let select {
            let all = (self.usual.object ?? [:]).merging(self.further.object ?? [:]) { $1 }
            let names = Set(all.keys.map { $0.lowercased() })
            if !typed, let unknown = select.subtracting(names).min() {
                throw .badRequest(
                    "Could not find a property named '\(PrintableText.of(unknown, limit: 64))' on type 'microsoft.graph.\(self.kind)'."
                )
            }
            document = .object(all.filter { select.contains($0.key.lowercased()) })
        }
        if typed { document["@odata.type"] = .string("#microsoft.graph.\(self.kind)") }
        return document
    }
}

extension JSONValue {
    static func optional(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }
}

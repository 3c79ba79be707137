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
                "mailNickname": .optional(group.mailNickname),
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

    /// A service principal with its credentials, as it stands in answers of its own.
    static func shape(of principal: ServicePrincipal, credentials: [Credential]) -> Shape {
        let plain = Self.shape(of: principal)
        var usual = plain.usual
        usual["keyCredentials"] = Self.keys(credentials)
        usual["passwordCredentials"] = Self.passwords(credentials)
        return Shape(kind: plain.kind, usual: usual, further: plain.further)
    }

    static func shape(
        of registration: AppRegistration,
        client: ClientApplication?,
        credentials: [Credential]
    ) -> Shape {
        let isPublic = client?.isPublic ?? false
        let uris: JSONValue = .array((client?.redirectURIs ?? []).map(JSONValue.string))
        return Shape(
            kind: "application",
            usual: [
                "id": .string(registration.id.description),
                "api": ["requestedAccessTokenVersion": .null],
                "appId": .string(registration.appID.description),
                "appRoles": [],
                "createdDateTime": .string(registration.createdAt.description),
                "displayName": .string(registration.displayName),
                "identifierUris": .array(registration.identifierURIs.map(JSONValue.string)),
                "isFallbackPublicClient": client == nil ? .null : .bool(isPublic),
                "keyCredentials": Self.keys(credentials),
                "passwordCredentials": Self.passwords(credentials),
                "publicClient": ["redirectUris": isPublic ? uris : []],
                "requiredResourceAccess": [],
                "signInAudience": "AzureADMyOrg",
                "tags": [],
                "web": [
                    "homePageUrl": .null,
                    "implicitGrantSettings": ["enableAccessTokenIssuance": false, "enableIdTokenIssuance": false],
                    "redirectUris": isPublic ? [] : uris,
                ],
            ],
            further: [:]
        )
    }

    /// A secret without its text, of which nothing is kept to hint at it.
    static func password(_ credential: Credential) -> JSONValue {
        [
            "customKeyIdentifier": .null,
            "displayName": .string(credential.displayName),
            "endDateTime": .optional(credential.expiresAt?.description),
            "hint": .null,
            "keyId": .string(credential.id.description),
            "secretText": .null,
            "startDateTime": .string(credential.createdAt.description),
        ]
    }

    private static func passwords(_ credentials: [Credential]) -> JSONValue {
        .array(credentials.filter { $0.kind == .secret }.map(Self.password))
    }

    private static func keys(_ credentials: [Credential]) -> JSONValue {
        let keys = credentials.filter { $0.kind == .certificate }.map { credential -> JSONValue in
            [
                "customKeyIdentifier": .null,
                "displayName": .string(credential.displayName),
                "endDateTime": .optional(credential.expiresAt?.description),
                "key": .null,
                "keyId": .string(credential.id.description),
                "startDateTime": .string(credential.createdAt.description),
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
            ]
        }
        return .array(keys)
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
    /// Whether a comparison holds, in any letter case.
    func meets(_ condition: DirectoryQuery.Condition) -> Bool {
        let name = condition.property.rawValue
        let wanted = condition.value.lowercased()
        let value = self.usual[name] ?? self.further[name]
        let texts = value?.array?.compactMap(\.string) ?? [value?.string].compactMap(\.self)
        return texts.contains { text in
            switch condition.comparison {
            case .equals: text.lowercased() == wanted
            case .startsWith: text.lowercased().hasPrefix(wanted)
            }
        }
    }

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

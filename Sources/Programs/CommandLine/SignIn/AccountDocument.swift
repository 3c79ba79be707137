import Client
import Vocabulary

/// The signed-in account in the shape of `az account list`.
enum AccountDocument {
    static let columns: [(title: String, path: [String])] = [
        ("Name", ["name"]), ("SubscriptionId", ["id"]), ("TenantId", ["tenantId"]), ("User", ["user", "name"]),
        ("IsDefault", ["isDefault"]),
    ]

    /// One element for each subscription; one without a subscription when there is none.
    static func list(_ account: Account) -> JSONValue {
        let subscriptions = account.subscriptions.map { ($0.id.description, $0.name) }
        let rows = subscriptions.isEmpty ? [(account.tenantID.description, "N/A(tenant level account)")] : subscriptions
        return .array(rows.map { Self.document(account, id: $0.0, name: $0.1) })
    }

    /// The chosen subscription.
    static func current(_ account: Account) -> JSONValue {
        let all = Self.list(account).array ?? []
        return all.first { $0["isDefault"] == .bool(true) } ?? all.first ?? .null
    }

    private static func document(_ account: Account, id: String, name: String) -> JSONValue {
        [
            "environmentName": "Sallyport", "id": .string(id), "name": .string(name), "state": "Enabled",
            "tenantId": .string(account.tenantID.description),
            "isDefault": .bool(id == (account.subscription ?? account.tenantID).description),
            "homeUrl": .string(account.url),
            "user": [
                "name": .string(account.name), "type": .string(account.kind == .user ? "user" : "servicePrincipal"),
            ],
        ]
    }
}

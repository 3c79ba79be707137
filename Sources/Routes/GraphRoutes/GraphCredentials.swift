import FoundationEssentials
import Identity
import Vocabulary

/// The `keyCredentials` that a request wants something to have: present ones by their identifiers, and new certificates.
///
/// Source: Microsoft Graph, "keyCredential resource type".
struct GraphKeys {
    struct New: Sendable {
        let certificate: [UInt8]
        let displayName: String
        let expiresAt: Instant?
    }

    private(set) var kept: Set<GUID> = []
    private(set) var new: [New] = []
    /// Whether the request says anything about them.
    let isGiven: Bool

    /// Throws Request_BadRequest for what is no certificate.
    init(_ body: GraphBody) throws(Problem) {
        let list = try body.list("keyCredentials")
        self.isGiven = list != nil
        for value in list ?? [] {
            let one = try GraphBody(
                value,
                [
                    "customKeyIdentifier", "displayName", "endDateTime", "key", "keyId", "startDateTime", "type",
                    "usage",
                ]
            )
            guard let key = try one.text("key"), !key.isEmpty else {
                guard let id = try one.text("keyId").flatMap({ GUID($0) }) else { throw GraphBody.missing("key") }
                self.kept.insert(id)
                continue
            }
            try one.require("type", "AsymmetricX509Cert")
            try one.require("usage", "Verify")
            guard
                key.utf8.count <= 16_384, let der = Data(base64Encoded: key, options: .ignoreUnknownCharacters),
                der.first == 0x30, der.count >= 128
            else { throw .badRequest("Key value is invalid certificate") }
            self.new.append(
                New(
                    certificate: Array(der),
                    displayName: try one.text("displayName") ?? "",
                    expiresAt: try one.instant("endDateTime")
                )
            )
        }
    }
}

extension GraphRoutes {
    /// Lets pass who may renew an application's credentials: administrators of applications, and its owners; for one
    /// that administers the directory itself, global administrators alone.
    func requireCredentials(of object: GUID, appID: GUID, _ reader: GraphReader) async throws(Problem) {
        try await self.requirePower(overApp: appID, reader)
        let owners = try await Problem.hiding { try await self.directory.owners(of: object) }
        if !owners.contains(where: { $0.id == reader.subject.id }) {
            try await reader.requireApplicationAdministration()
        }
    }

    func requirePower(overApp appID: GUID, _ reader: GraphReader) async throws(Problem) {
        let principal = try await Problem.hiding { try await self.directory.servicePrincipal(appID: appID) }
        if let principal { try await reader.requirePower(over: principal.id) }
    }

    /// Makes a secret; its text is in this answer and nowhere else. Source: Microsoft Graph, "addPassword".
    func addPassword(to id: GUID, _ request: GraphRequest, _ reader: GraphReader) async throws(Problem) -> JSONValue {
        let credential = try request.body.map { body throws(Problem) in
            try GraphBody(body, ["passwordCredential"]).object(
                "passwordCredential",
                ["displayName", "endDateTime", "startDateTime"]
            )
        }?.flatMap(\.self)
        let now = self.clock.now
        let start = try credential?.instant("startDateTime") ?? now
        let end = try credential?.instant("endDateTime") ?? start + Self.usualLife
        // A clock may go a little wrong; a secret for later is not offered.
        guard start <= now + .seconds(300) else { throw .badRequest("Credentials begin to work at once.") }
        guard end > now else { throw .badRequest("Key credential end date is invalid.") }
        let displayName = try credential?.text("displayName") ?? ""
        let made = try await Problem.hiding {
            try await self.directory.addSecret(to: id, displayName: displayName, expiresAt: end, by: reader.author)
        }
        var document = GraphDocument.password(made.credential)
        document["secretText"] = .string(made.secret.withValue { $0 })
        document["@odata.context"] = .string("\(self.base)/v1.0/$metadata#microsoft.graph.passwordCredential")
        return document
    }

    // Two years. Source: Microsoft Graph, "addPassword".
    private static let usualLife = Duration.seconds(2 * 365 * 86_400)

    func removePassword(from id: GUID, _ request: GraphRequest, _ reader: GraphReader) async throws(Problem) {
        let body = try GraphBody(request.body, ["keyId"])
        guard let key = GUID(try body.requiredText("keyId")) else { throw GraphBody.missing("keyId") }
        let wasThere = try await Problem.hiding {
            let known = try await self.directory.credentials(of: id)
            guard known.contains(where: { $0.id == key && $0.kind == .secret }) else { return false }
            return try await self.directory.removeCredential(key, from: id, by: reader.author)
        }
        guard wasThere else { throw .badRequest("No password credential found with keyId.") }
    }

    /// Gives an object exactly these certificates.
    func write(_ keys: GraphKeys, of id: GUID, _ reader: GraphReader) async throws(Problem) {
        guard keys.isGiven else { return }
        try await Problem.hiding {
            let present = try await self.directory.credentials(of: id).filter { $0.kind == .certificate }
            if let strange = keys.kept.subtracting(present.map(\.id)).min() {
                throw Problem.badRequest("No key credential found with keyId '\(strange)'.")
            }
            for key in keys.new {
                try await self.directory.addCertificate(
                    key.certificate,
                    to: id,
                    displayName: key.displayName,
                    expiresAt: key.expiresAt,
                    by: reader.author
                )
            }
            for credential in present where !keys.kept.contains(credential.id) {
                try await self.directory.removeCredential(credential.id, from: id, by: reader.author)
            }
        }
    }
}

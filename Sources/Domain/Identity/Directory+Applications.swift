import Storage
public import Vocabulary

extension Directory {
    /// The client application with this id: a built-in or a registered one.
    public func application(_ appID: GUID) async throws -> ClientApplication? {
        if let builtIn = ClientApplication.builtIn.first(where: { $0.appID == appID }) { return builtIn }
        return try await self.database.read { try Self.application(appID, in: $0) }
    }

    /// Registers a client application, or changes it, or does nothing.
    ///
    /// Throws `Request_BadRequest` for a built-in one, and for a redirect URI that is neither `https`, nor `http` on a loopback host, nor of a
    /// scheme with a dot in it, or that has a fragment, a wildcard or a user. Source: RFC 6749 section 3.1.2, RFC 8252 section 7.
    @discardableResult
    public func put(
        application: ClientApplication,
        dryRun: Bool = false,
        by author: Author = .system
    ) async throws -> PutOutcome<ClientApplication> {
        guard !ClientApplication.builtIn.contains(where: { $0.appID == application.appID }) else {
            throw Problem.badRequest("\(application.appID) is a built-in application.")
        }
        guard Name.isDisplayable(application.displayName) else {
            throw Problem.badRequest("The application's name needs 1 to 256 printable characters.")
        }
        for uri in application.redirectURIs where !RedirectURI.isAcceptable(uri) {
            throw Problem.badRequest("“\(PrintableText.of(uri))” cannot be a redirect URI.")
        }
        return try await self.commit(dryRun: dryRun) { transaction in
            let old = try Self.application(application.appID, in: transaction)
            guard old != application else { return Effect(PutOutcome(value: application, isNew: false, changed: [])) }
            try transaction.run(
                """
                INSERT INTO identity_application (app_id, display_name, redirect_uris, is_public, is_family)
                VALUES (
                    \(application.appID), \(application.displayName),
                    \(JSONValue.array(application.redirectURIs.map { .string($0) })), \(application.isPublic),
                    \(application.isFamily)
                )
                ON CONFLICT (app_id) DO UPDATE SET
                    display_name = excluded.display_name, redirect_uris = excluded.redirect_uris,
                    is_public = excluded.is_public, is_family = excluded.is_family
                """
            )
            var changed: [String] = []
            if old?.displayName != application.displayName { changed.append("displayName") }
            if old?.redirectURIs != application.redirectURIs { changed.append("redirectUris") }
            if old?.isPublic != application.isPublic { changed.append("isFallbackPublicClient") }
            if old?.isFamily != application.isFamily { changed.append("isFamily") }
            return Effect(
                PutOutcome(value: application, isNew: old == nil, changed: changed),
                events: [
                    self.event(
                        old == nil ? "application.create" : "application.update",
                        application.appID.description,
                        by: author,
                        details: ["displayName": application.displayName, "changed": changed.joined(separator: ", ")]
                    )
                ]
            )
        }
    }

    private static func application(_ appID: GUID, in reader: any Reader) throws -> ClientApplication? {
        try reader.row("SELECT * FROM identity_application WHERE app_id = \(appID)").map { row in
            ClientApplication(
                appID: try row.guid("app_id"),
                displayName: try row.text("display_name"),
                redirectURIs: try row.json("redirect_uris").array?.compactMap(\.string) ?? [],
                isPublic: try row.bool("is_public"),
                isFamily: try row.bool("is_family")
            )
        }
    }
}

/// Which redirect URIs may be registered.
enum RedirectURI {
    static func isAcceptable(_ text: String) -> Bool {
        guard text.utf8.count <= 1024, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return false }
        guard !text.contains(where: { "#*\\\"<>".contains($0) }) else { return false }
        guard let colon = text.firstIndex(of: ":") else { return false }
        let scheme = text[..<colon].lowercased()
        let rest = text[text.index(after: colon)...]
        switch scheme {
        case "https", "http":
            guard rest.hasPrefix("//") else { return false }
            let authority = rest.dropFirst(2).prefix { $0 != "/" && $0 != "?" }
            guard !authority.isEmpty, !authority.contains("@") else { return false }
            return scheme == "https" || Self.isLoopback(String(authority))
        default:
            // A private-use scheme is a reversed domain name (RFC 8252 section 7.1); that leaves out javascript, data and their like.
            return scheme.contains(".")
                && scheme.utf8.allSatisfy { Name.isLetterOrDigit($0) || "+-.".utf8.contains($0) }
        }
    }

    private static func isLoopback(_ authority: String) -> Bool {
        for host in ["localhost", "127.0.0.1", "[::1]"] where authority.lowercased().hasPrefix(host) {
            let port = authority.dropFirst(host.count)
            return port.isEmpty || port.first == ":" && port.dropFirst().allSatisfy(\.isNumber)
        }
        return false
    }
}

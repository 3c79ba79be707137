import HTTPTypes
import Identity
import TestKit
import Testing
import Vocabulary

@Suite("Changing the directory")
struct GraphChangeTests {
    private static func user(_ name: String, password: String = "Corr3ct-horse") -> JSONValue {
        [
            "accountEnabled": true, "displayName": "New One", "mailNickname": "new", "userPrincipalName": .string(name),
            "passwordProfile": ["password": .string(password), "forceChangePasswordNextSignIn": true],
        ]
    }

    private static func group(_ name: String) -> JSONValue {
        ["displayName": .string(name), "mailEnabled": false, "mailNickname": "g", "securityEnabled": true]
    }

    private func world(_ roles: Set<DirectoryRole> = [.globalAdministrator]) async throws -> GraphWorld {
        let world = try await GraphWorld()
        _ = try await world.directory.setDirectoryRoles(of: world.alice.id, to: roles)
        return world
    }

    @Test("a person is added, shown, renamed and removed")
    func users() async throws {
        let world = try await self.world()
        let made = try await world.send(.post, "/v1.0/users", as: world.alice.id, Self.user("new@contoso.example"))
        #expect(made.status == 201 && made.document["userPrincipalName"] == "new@contoso.example")
        let id = try #require(made.document["id"]?.string.flatMap { GUID($0) })
        #expect(try await world.directory.user(id)?.mustChangePassword == true)
        let path = "/v1.0/users/new@contoso.example"
        #expect(try await world.send(.patch, path, as: world.alice.id, ["displayName": "Other"]).status == 204)
        #expect(try await world.get(path, as: world.alice.id).document["displayName"] == "Other")
        #expect(try await world.send(.delete, path, as: world.alice.id).status == 204)
        #expect(try await world.get(path, as: world.alice.id).code == "Request_ResourceNotFound")
        #expect(try await world.directory.account(id) == nil)
    }

    @Test(
        "names and passwords that cannot be are refused",
        arguments: [
            Self.user("new@elsewhere.example"), Self.user("sudo@contoso.example"), Self.user("docker@contoso.example"),
            Self.user("a:b@contoso.example"), Self.user("a\nb@contoso.example"), Self.user("аlice@contoso.example"),
            Self.user("new@contoso.example", password: "short"), ["displayName": "x"], [:],
        ]
    )
    func badUsers(body: JSONValue) async throws {
        let world = try await self.world()
        let answer = try await world.send(.post, "/v1.0/users", as: world.alice.id, body)
        #expect(answer.status == 400 && answer.code == "Request_BadRequest")
    }

    @Test("nobody is overwritten by somebody new of the same name")
    func duplicates() async throws {
        let world = try await self.world()
        let answer = try await world.send(.post, "/v1.0/users", as: world.alice.id, Self.user("BOB@contoso.example"))
        #expect(answer.status == 400)
        #expect(answer.document["error"]?["details"]?.array?.first?["code"] == "ObjectConflict")
        #expect(try await world.directory.user(world.bob.id)?.displayName == "Bob O'Brien")
    }

    @Test("members, guests and programs change nothing")
    func refused() async throws {
        let world = try await GraphWorld()
        for caller in [world.alice.id, world.erin.id, world.robot.id] {
            let requests: [(HTTPRequest.Method, String, JSONValue?)] = [
                (.post, "users", Self.user("new@contoso.example")), (.delete, "users/\(world.bob.id)", nil),
                (.post, "groups", Self.group("g")), (.delete, "groups/\(world.ops.id)", nil),
                (.post, "groups/\(world.ops.id)/members/$ref", ["@odata.id": .string("x/users/\(world.alice.id)")]),
                (.post, "applications", ["displayName": "x"]), (.post, "servicePrincipals", ["appId": "x"]),
                (.post, "servicePrincipals/\(world.robot.id)/addPassword", [:]),
                (.delete, "servicePrincipals/\(world.robot.id)", nil),
            ]
            for (method, path, body) in requests {
                let answer = try await world.send(method, "/v1.0/\(path)", as: caller, body)
                #expect(answer.code == "Authorization_RequestDenied", "\(method) \(path)")
            }
        }
    }

    @Test("a user administrator gets no hold of somebody who administers the directory")
    func noClimbing() async throws {
        let world = try await self.world([.userAdministrator, .applicationAdministrator])
        _ = try await world.directory.setDirectoryRoles(of: world.bob.id, to: [.globalAdministrator])
        _ = try await world.directory.setDirectoryRoles(of: world.robot.id, to: [.globalAdministrator])
        let password: JSONValue = ["passwordProfile": ["password": "Corr3ct-horse"]]
        for (method, path, body): (HTTPRequest.Method, String, JSONValue?) in [
            (.patch, "users/\(world.bob.id)", password), (.delete, "users/\(world.bob.id)", nil),
            (.post, "servicePrincipals/\(world.robot.id)/addPassword", [:]),
            (.delete, "servicePrincipals/\(world.robot.id)", nil),
        ] {
            let answer = try await world.send(method, "/v1.0/\(path)", as: world.alice.id, body)
            #expect(answer.status == 403, "\(method) \(path)")
        }
    }

    @Test("nobody removes their own account")
    func oneself() async throws {
        let world = try await self.world()
        #expect(try await world.send(.delete, "/v1.0/users/\(world.alice.id)", as: world.alice.id).status == 400)
    }

    @Test("a group is made, found by both names, filled, emptied and removed")
    func groups() async throws {
        let world = try await self.world([.groupsAdministrator])
        let made = try await world.send(.post, "/v1.0/groups", as: world.alice.id, Self.group("new"))
        #expect(made.status == 201 && made.document["mailNickname"] == "g")
        let path = "/v1.0/groups/\(try #require(made.document["id"]?.string))"
        let filter = "displayName%20eq%20'new'%20and%20mailNickname%20eq%20"
        for (nickname, count) in [("g", 1), ("h", 0)] {
            let found = try await world.get("/v1.0/groups?$filter=\(filter)'\(nickname)'", as: world.alice.id)
            #expect(found.values.count == count)
        }
        let member: JSONValue = ["@odata.id": .string("https://x/v1.0/directoryObjects/\(world.bob.id)")]
        #expect(try await world.send(.post, "\(path)/members/$ref", as: world.alice.id, member).status == 204)
        #expect(try await world.send(.post, "\(path)/members/$ref", as: world.alice.id, member).status == 400)
        let check: JSONValue = ["groupIds": [made.document["id"] ?? .null]]
        let checked = "/v1.0/directoryObjects/\(world.bob.id)/checkMemberGroups"
        #expect(try await world.send(.post, checked, as: world.alice.id, check).values == [made.document["id"]])
        let gone = "\(path)/members/\(world.bob.id)/$ref"
        #expect(try await world.send(.delete, gone, as: world.alice.id).status == 204)
        #expect(try await world.send(.delete, gone, as: world.alice.id).status == 404)
        #expect(try await world.send(.delete, path, as: world.alice.id).status == 204)
        #expect(try await world.get(path, as: world.alice.id).status == 404)
    }

    @Test("an application gets a secret, then a service principal, which signs in with it until it is taken away")
    func applications() async throws {
        let world = try await self.world([.applicationAdministrator])
        let body: JSONValue = ["displayName": "robot-2", "keyCredentials": [], "identifierUris": ["api://robot-2"]]
        let made = try await world.send(.post, "/v1.0/applications", as: world.alice.id, body)
        #expect(made.status == 201)
        let path = "/v1.0/applications/\(try #require(made.document["id"]?.string))"
        let appID = try #require(made.document["appId"]?.string.flatMap { GUID($0) })
        let secret = try await world.send(.post, "\(path)/addPassword", as: world.alice.id, ["passwordCredential": [:]])
        let text = try #require(secret.document["secretText"]?.string)
        let shown = try await world.get(path, as: world.alice.id).document["passwordCredentials"]?.array?.first
        #expect(shown?["keyId"] == secret.document["keyId"] && shown?["secretText"]?.isNull == true)
        let principal: JSONValue = ["appId": .string(appID.description), "accountEnabled": true]
        let second = try await world.send(.post, "/v1.0/servicePrincipals", as: world.alice.id, principal)
        #expect(second.status == 201)
        #expect(second.document["servicePrincipalNames"] == [.string(appID.description), "api://robot-2"])
        #expect(try await world.send(.post, "/v1.0/servicePrincipals", as: world.alice.id, principal).status == 400)
        #expect(try await self.signsIn(appID, text, world))
        let key: JSONValue = ["keyId": secret.document["keyId"] ?? .null]
        #expect(try await world.send(.post, "\(path)/removePassword", as: world.alice.id, key).status == 204)
        #expect(try await !self.signsIn(appID, text, world))
        #expect(try await world.send(.delete, path, as: world.alice.id).status == 204)
        #expect(try await world.directory.servicePrincipal(appID: appID) == nil)
    }

    private func signsIn(_ appID: GUID, _ secret: String, _ world: GraphWorld) async throws -> Bool {
        let verdict = try await world.directory.signIn(
            appID: appID,
            secret: Secret(Array(secret.utf8)),
            source: "192.0.2.1"
        )
        if case .allowed = verdict { return true }
        return false
    }

    @Test("a service principal needs an application")
    func noApplication() async throws {
        let world = try await self.world()
        let body: JSONValue = ["appId": .string(GUID(high: 1, low: 2).description)]
        let answer = try await world.send(.post, "/v1.0/servicePrincipals", as: world.alice.id, body)
        #expect(
            answer.document["error"]?["message"]?.string?.contains("does not reference a valid application") == true
        )
    }

    @Test("an owner renews an application's secrets, and nothing else of it")
    func owners() async throws {
        let world = try await self.world()
        let body: JSONValue = ["displayName": "robot-2"]
        let made = try await world.send(.post, "/v1.0/applications", as: world.alice.id, body)
        let path = "/v1.0/applications/\(try #require(made.document["id"]?.string))"
        #expect(try await world.send(.post, "\(path)/addPassword", as: world.bob.id, [:]).status == 403)
        let owner: JSONValue = ["@odata.id": .string("https://x/v1.0/directoryObjects/\(world.bob.id)")]
        #expect(try await world.send(.post, "\(path)/owners/$ref", as: world.bob.id, owner).status == 403)
        #expect(try await world.send(.post, "\(path)/owners/$ref", as: world.alice.id, owner).status == 204)
        #expect(try await world.get("/v1.0/me/ownedObjects", as: world.bob.id).names == ["robot-2"])
        #expect(try await world.send(.post, "\(path)/addPassword", as: world.bob.id, [:]).status == 200)
        #expect(try await world.send(.delete, path, as: world.bob.id).status == 403)
    }

    @Test("an application has no more secrets than a sign-in tries")
    func room() async throws {
        let world = try await self.world()
        let path = "/v1.0/servicePrincipals/\(world.robot.id)/addPassword"
        for _ in 0..<5 {
            #expect(try await world.send(.post, path, as: world.alice.id, [:]).status == 200)
        }
        #expect(try await world.send(.post, path, as: world.alice.id, [:]).status == 400)
    }

    @Test(
        "identifier URIs that could pass for something else are refused",
        arguments: ["bob@contoso.example", "5a11b0a7-0000-4c0a-8d0e-000000000404", "ci-robot", "http://ci-robot"]
    )
    func badURIs(uri: String) async throws {
        let world = try await self.world()
        let body: JSONValue = ["displayName": "x", "identifierUris": [.string(uri)]]
        #expect(try await world.send(.post, "/v1.0/applications", as: world.alice.id, body).status == 400)
    }
}

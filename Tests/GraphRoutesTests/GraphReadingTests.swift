import HTTPTypes
import Identity
import TestKit
import Testing
import Vocabulary

@Suite("Reading the directory over HTTP")
struct GraphReadingTests {
    @Test("finds a user by percent-encoded name, as az does for --assignee")
    func assignee() async throws {
        let world = try await GraphWorld()
        let answer = try await world.get(
            "/v1.0/users?$filter=userPrincipalName%20eq%20%27BOB%40contoso.example%27",
            as: world.alice.id
        )
        #expect(answer.status == 200)
        #expect(answer.values.count == 1)
        #expect(answer.values[0]["id"]?.string == world.bob.id.description)
        #expect(answer.values[0]["userPrincipalName"]?.string == "bob@contoso.example")
        let guest = try await world.get(
            "/v1.0/users?%24filter=userPrincipalName+eq+'erin_fabrikam.example%23EXT%23%40contoso.example'",
            as: world.alice.id
        )
        #expect(guest.names == ["Erin"])
        let nobody = try await world.get("/v1.0/users?$filter=userPrincipalName%20eq%20'x'", as: world.alice.id)
        #expect(nobody.status == 200)
        #expect(nobody.values.isEmpty)
    }

    @Test(
        "the same user is found by name, by identifier and in parentheses",
        arguments: [
            "users/bob%40contoso.example", "users/BOB@contoso.example", "users('bob@contoso.example')", "Users/{id}",
        ]
    )
    func oneUser(path: String) async throws {
        let world = try await GraphWorld()
        let path = path.replacing("{id}", with: world.bob.id.description)
        let answer = try await world.get("/v1.0/\(path)", as: world.alice.id)
        #expect(answer.document["id"]?.string == world.bob.id.description)
    }

    @Test("a quote in a filter is written twice")
    func quotes() async throws {
        let world = try await GraphWorld()
        let answer = try await world.get("/v1.0/users?$filter=displayName%20eq%20'Bob%20O''Brien'", as: world.alice.id)
        #expect(answer.values.count == 1)
        let prefix = try await world.get("/v1.0/users?$filter=startswith(displayName,'al')", as: world.alice.id)
        #expect(prefix.names == ["Alice Adams"])
    }

    @Test("finds a service principal by any of its names, then by identifier and by application")
    func servicePrincipal() async throws {
        let world = try await GraphWorld()
        for name in ["http%3A%2F%2Fci-robot", world.robot.appID.description] {
            let answer = try await world.get(
                "/v1.0/servicePrincipals?$filter=servicePrincipalNames%2Fany%28c%3Ac%20eq%20%27\(name)%27%29",
                as: world.alice.id
            )
            #expect(answer.values.map { $0["id"]?.string } == [world.robot.id.description])
            #expect(answer.values.first?["servicePrincipalNames"]?.array?.contains("http://ci-robot") == true)
        }
        let one = try await world.get("/v1.0/servicePrincipals/\(world.robot.id)", as: world.alice.id)
        #expect(one.document["servicePrincipalType"] == "Application")
        let byApp = try await world.get("/v1.0/servicePrincipals(appId='\(world.robot.appID)')", as: world.alice.id)
        #expect(byApp.document == one.document)
    }

    @Test("getByIds names what exists, with its type, and only of the kinds asked for")
    func getByIds() async throws {
        let world = try await GraphWorld()
        let ids = [world.bob.id, world.ops.id, world.robot.id, GUID(high: 1, low: 1)].map {
            JSONValue.string($0.description)
        }
        let all = try await world.send(
            .post,
            "/v1.0/directoryObjects/getByIds",
            as: world.alice.id,
            ["ids": .array(ids), "types": ["user", "group", "servicePrincipal", "directoryObjectPartnerReference"]]
        )
        #expect(
            Set(all.values.compactMap { $0["@odata.type"]?.string })
                == ["#microsoft.graph.user", "#microsoft.graph.group", "#microsoft.graph.servicePrincipal"]
        )
        let groups = try await world.send(
            .post,
            "/v1.0/directoryObjects/getByIds",
            as: world.alice.id,
            ["ids": .array(ids), "types": ["group"]]
        )
        #expect(groups.names == ["ops"])
        let wrong = try await world.send(
            .post,
            "/v1.0/directoryObjects/getByIds",
            as: world.alice.id,
            ["ids": ["x' OR 1=1"]]
        )
        #expect(wrong.status == 400)
    }

    @Test("groups, their members, and the groups of a user")
    func groups() async throws {
        let world = try await GraphWorld()
        let outer = try await world.directory.put(group: GroupDraft(displayName: "outer")).value
        _ = try await world.directory.add(member: world.ops.id, to: outer.id)
        let list = try await world.get("/v1.0/groups?$filter=displayName%20eq%20'ops'", as: world.alice.id)
        #expect(list.values.map { $0["description"] } == ["runs things"])
        let members = try await world.get("/v1.0/groups/\(world.ops.id)/members", as: world.alice.id)
        #expect(Set(members.values.compactMap { $0["@odata.type"]?.string }).count == 2)
        #expect(try await world.get("/v1.0/groups/\(world.ops.id)/owners", as: world.alice.id).values == [])
        let direct = try await world.get("/v1.0/users/\(world.bob.id)/memberOf", as: world.alice.id)
        #expect(direct.names == ["ops"])
        let all = try await world.get("/v1.0/users/\(world.bob.id)/transitiveMemberOf", as: world.alice.id)
        #expect(Set(all.names) == ["ops", "outer"])
        let ids = try await world.send(.post, "/v1.0/users/\(world.bob.id)/getMemberGroups", as: world.alice.id, [:])
        #expect(ids.values.count == 2)
    }

    @Test("pages follow each other by the link until nothing is left")
    func paging() async throws {
        let world = try await GraphWorld()
        for number in 0..<5 {
            _ = try await GraphWorld.add("user\(number)", "User & Co \(number)", to: world.directory)
        }
        var names: [String?] = []
        var next: String? =
            "https://localhost:8443/v1.0/users?$top=3&$filter=startswith(displayName,'User%20%26')&$select=displayName"
        var pages = 0
        while let link = next, pages < 10 {
            #expect(link.hasPrefix("https://localhost:8443/"))
            let answer = try await world.get(String(link.dropFirst("https://localhost:8443".count)), as: world.alice.id)
            #expect(answer.values.allSatisfy { $0.object?.count == 1 })
            names += answer.names
            next = answer.document["@odata.nextLink"]?.string
            pages += 1
        }
        #expect(pages == 2)
        #expect(names == (0..<5).map { "User & Co \($0)" })

        let first = try await world.get("/v1.0/groups/\(world.ops.id)/members?$top=1", as: world.alice.id)
        let link = try #require(first.document["@odata.nextLink"]?.string)
        let second = try await world.get(String(link.dropFirst("https://localhost:8443".count)), as: world.alice.id)
        #expect(first.values.count == 1 && second.values.count == 1)
        #expect(first.values != second.values)
        #expect(second.document["@odata.nextLink"] == nil)
    }

    @Test("selected members alone are shown; one that does not exist is refused")
    func select() async throws {
        let world = try await GraphWorld()
        let answer = try await world.get("/v1.0/users/\(world.erin.id)?$select=id,userType", as: world.alice.id)
        #expect(answer.document["userType"] == "Guest")
        #expect(answer.document["displayName"] == nil)
        let hash = try await world.get("/v1.0/users/\(world.erin.id)?$select=passwordHash", as: world.alice.id)
        #expect(hash.status == 400)
    }

    @Test(
        "filters and options that are not known are refused, not ignored",
        arguments: [
            "users?$filter=passwordHash%20eq%20'x'",
            "users?$filter=startswith(secret,'x')",
            "users?$filter=accountEnabled%20eq%20true",
            "users?$filter=id%20eq%20'x'%20or%20id%20eq%20'y'",
            "users?$filter=memberOf/any(g:g%20eq%20'x')",
            "users?$filter=displayName%20ne%20'x'",
            "users?$filter=displayName%20eq%20'x",
            "users?$filter=servicePrincipalNames/any(c:c%20eq%20'x')",
            "servicePrincipals?$filter=servicePrincipalNames/any(c:d%20eq%20'x')",
            "servicePrincipals?$filter=servicePrincipalNames%20eq%20'x'",
            "users?$filter=displayName%20eq%20'x'&%24filter=id%20eq%20'y'",
            "users?$expand=memberOf",
            "users?$search=%22a%22",
            "users?$top=0",
            "users?$top=1000",
            "users?$skiptoken=zzz",
            "users?$orderby=id",
            "users/a%2fb",
            "users?$filter=%zz",
            "nothing",
        ]
    )
    func strictness(uri: String) async throws {
        let world = try await GraphWorld()
        let answer = try await world.get("/v1.0/\(uri)", as: world.alice.id)
        #expect(answer.status == 400)
        #expect(answer.code?.hasPrefix("Request_") == true)
    }

    @Test("an unknown object is 404")
    func missing() async throws {
        let world = try await GraphWorld()
        for path in [
            "users/nobody@contoso.example", "groups/\(world.bob.id)", "servicePrincipals/x",
            "directoryObjects/\(GUID.zero)",
        ] {
            let answer = try await world.get("/v1.0/\(path)", as: world.alice.id)
            #expect(answer.status == 404)
            #expect(answer.code == "Request_ResourceNotFound")
        }
    }

    @Test("objects are not replaced as a whole")
    func noReplacing() async throws {
        let world = try await GraphWorld()
        let path = "/v1.0/users/\(world.bob.id)"
        #expect(try await world.send(.put, path, as: world.alice.id, ["displayName": "x"]).status == 405)
    }
}

import HTTPTypes
import Identity
import TestKit
import Testing
import Vocabulary

@Suite("Rights to read the directory")
struct GraphRightsTests {
    @Test("without a token nothing is read")
    func anonymous() async throws {
        let world = try await GraphWorld()
        let answer = try await world.get("/v1.0/users", as: nil)
        #expect(answer.status == 401)
        #expect(answer.code == "InvalidAuthenticationToken")
    }

    @Test("a member reads themselves as me; a program has no me")
    func me() async throws {
        let world = try await GraphWorld()
        #expect(try await world.get("/v1.0/me", as: world.bob.id).document["id"]?.string == world.bob.id.description)
        #expect(try await world.get("/v1.0/me", as: world.robot.id).status == 400)
    }

    @Test("a guest and a program read themselves and learn nothing about others, not even who exists")
    func restricted() async throws {
        let world = try await GraphWorld()
        #expect(try await world.get("/v1.0/me", as: world.erin.id).status == 200)
        #expect(try await world.get("/v1.0/users/\(world.erin.id)", as: world.erin.id).status == 200)
        #expect(try await world.get("/v1.0/servicePrincipals/\(world.robot.id)", as: world.robot.id).status == 200)
        for caller in [world.erin.id, world.robot.id] {
            for path in [
                "users", "users/\(world.bob.id)", "users/nobody@contoso.example",
                "users?$filter=displayName%20eq%20'Erin'",
                "groups", "groups/\(world.ops.id)/members", "servicePrincipals",
                "servicePrincipals(appId='\(world.robot.appID)')",
                "directoryObjects/\(world.bob.id)", "directoryObjects/\(GUID.zero)",
            ] {
                let answer = try await world.get("/v1.0/\(path)", as: caller)
                #expect(answer.status == 403, "\(path)")
                #expect(answer.code == "Authorization_RequestDenied")
            }
            let ids = [world.bob.id, world.erin.id, world.robot.id].map { JSONValue.string($0.description) }
            let found = try await world.send(.post, "/v1.0/directoryObjects/getByIds", as: caller, ["ids": .array(ids)])
            #expect(found.values.map { $0["id"]?.string } == [caller.description])
        }
    }

    @Test("a program named like a user is not that user")
    func namesake() async throws {
        let world = try await GraphWorld()
        let fake = try await world.directory.put(
            servicePrincipal: ServicePrincipalDraft(displayName: "bob@contoso.example")
        ).value
        #expect(try await world.get("/v1.0/users/bob@contoso.example", as: fake.id).status == 403)
    }

    @Test("a directory reader's role opens the directory to a program")
    func directoryReader() async throws {
        let world = try await GraphWorld()
        _ = try await world.directory.setDirectoryRoles(of: world.robot.id, to: [.directoryReaders])
        #expect(try await world.get("/v1.0/users", as: world.robot.id).values.count == 3)
    }
}

import HTTPTypes
import Identity
import TestKit
import Testing
import Vocabulary

@Suite("Switching accounts off and on")
struct GraphAdministrationTests {
    @Test("an administrator switches an account off, and on again")
    func switching() async throws {
        let world = try await GraphWorld()
        _ = try await world.directory.setDirectoryRoles(of: world.alice.id, to: [.userAdministrator])
        let path = "/v1.0/users/\(world.bob.id)"
        #expect(try await world.send(.patch, path, as: world.alice.id, ["accountEnabled": false]).status == 204)
        #expect(try await !world.directory.isEnabled(world.bob.id))
        #expect(try await world.send(.patch, path, as: world.alice.id, ["accountEnabled": true]).status == 204)
        #expect(try await world.directory.isEnabled(world.bob.id))
    }

    @Test("nobody switches off their own account, nor one that administers more than their own")
    func lockingOut() async throws {
        let world = try await GraphWorld()
        _ = try await world.directory.setDirectoryRoles(of: world.alice.id, to: [.userAdministrator])
        _ = try await world.directory.setDirectoryRoles(of: world.bob.id, to: [.globalAdministrator])
        let off: JSONValue = ["accountEnabled": false]
        let own = try await world.send(.patch, "/v1.0/users/\(world.alice.id)", as: world.alice.id, off)
        #expect(own.status == 400 && own.document["error"]?["message"]?.string?.contains("by yourself") == true)
        let path = "/v1.0/users/\(world.bob.id)"
        #expect(try await world.send(.patch, path, as: world.alice.id, off).status == 403)
        _ = try await world.directory.setDirectoryRoles(of: world.alice.id, to: [.globalAdministrator])
        #expect(try await world.send(.patch, path, as: world.alice.id, off).status == 204)
    }

    @Test("nobody's body is read before it is known who they are")
    func bodyLater() async throws {
        let world = try await GraphWorld()
        let answer = try await world.send(
            .patch,
            "/v1.0/users/x",
            as: nil,
            .string(String(repeating: "x", count: 300_000))
        )
        #expect(answer.status == 401)
    }

    @Test("nobody else may, not for themselves either")
    func others() async throws {
        let world = try await GraphWorld()
        for caller in [world.alice.id, world.bob.id, world.erin.id, world.robot.id] {
            let path = "/v1.0/users/\(world.bob.id)"
            #expect(try await world.send(.patch, path, as: caller, ["accountEnabled": false]).status == 403)
        }
        #expect(try await world.directory.isEnabled(world.bob.id))
    }

    @Test("what cannot be set is refused, not ignored")
    func nothingElse() async throws {
        let world = try await GraphWorld()
        _ = try await world.directory.setDirectoryRoles(of: world.alice.id, to: [.globalAdministrator])
        let path = "/v1.0/users/\(world.bob.id)"
        for body: JSONValue in [
            ["jobTitle": "x"], ["accountEnabled": false, "id": "x"], ["accountEnabled": "no"], [:],
        ] {
            #expect(try await world.send(.patch, path, as: world.alice.id, body).status == 400)
        }
        #expect(try await world.directory.isEnabled(world.bob.id))
    }
}

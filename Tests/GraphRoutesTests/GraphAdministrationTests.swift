import HTTPTypes
import Identity
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

    @Test("nobody else may, not for themselves either")
    func others() async throws {
        let world = try await GraphWorld()
        for caller in [world.alice.id, world.bob.id, world.erin.id, world.robot.id] {
            let path = "/v1.0/users/\(world.bob.id)"
            #expect(try await world.send(.patch, path, as: caller, ["accountEnabled": false]).status == 403)
        }
        #expect(try await world.directory.isEnabled(world.bob.id))
    }

    @Test("nothing else of a user is changed")
    func nothingElse() async throws {
        let world = try await GraphWorld()
        _ = try await world.directory.setDirectoryRoles(of: world.alice.id, to: [.globalAdministrator])
        let path = "/v1.0/users/\(world.bob.id)"
        for body: JSONValue in [
            ["displayName": "x"], ["accountEnabled": false, "mail": "x"], ["accountEnabled": "no"], [:],
        ] {
            #expect(try await world.send(.patch, path, as: world.alice.id, body).status == 400)
        }
        #expect(try await world.directory.isEnabled(world.bob.id))
    }
}

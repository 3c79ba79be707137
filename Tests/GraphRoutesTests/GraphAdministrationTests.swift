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

    @Test("nobody switches off their own account, nor the last administrator")
    func lockingOut() async throws {
        let world = try await GraphWorld()
        _ = try await world.directory.setDirectoryRoles(of: world.alice.id, to: [.userAdministrator])
        _ = try await world.directory.setDirectoryRoles(of: world.bob.id, to: [.globalAdministrator])
        for (path, words) in [(world.alice.id, "by yourself"), (world.bob.id, "last administrator")] {
            let answer = try await world.send(
                .patch,
                "/v1.0/users/\(path)",
                as: world.alice.id,
                ["accountEnabled": false]
            )
            #expect(answer.status == 400 && answer.body["error"]?["message"]?.string?.contains(words) == true)
            #expect(try await world.directory.isEnabled(path))
        }
        _ = try await world.directory.setDirectoryRoles(of: world.alice.id, to: [.globalAdministrator])
        let path = "/v1.0/users/\(world.bob.id)"
        #expect(try await world.send(.patch, path, as: world.alice.id, ["accountEnabled": false]).status == 204)
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

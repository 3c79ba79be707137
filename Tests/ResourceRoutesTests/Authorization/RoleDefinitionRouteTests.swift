import AccessControl
import HTTPTypes
import Identity
import ResourceRoutes
import TestKit
import Testing
import Vocabulary

@Suite("Role definitions over HTTP")
struct RoleDefinitionRouteTests {
    static let version = "api-version=2022-05-01-preview"
    static let base = AuthorizationWorld.subscription + AuthorizationWorld.api + "roleDefinitions"

    @Test("the built-in login roles are found by name and by identifier")
    func builtIn() async throws {
        let world = try await AuthorizationWorld()
        let filter = "$filter=roleName%20eq%20%27virtual%20machine%20administrator%20login%27"
        let list = try await world.send(.get, "\(Self.base)?\(filter)&\(Self.version)", as: world.admin.id)
        #expect(list.values.count == 1)
        let item = list.values.first
        #expect(item?["id"]?.string == "\(Self.base)/1c0163c0-47e6-4577-8991-ea5c82e286e4")
        #expect(item?["properties"]?["type"] == "BuiltInRole")
        #expect(item?["properties"]?["assignableScopes"] == ["/"])
        let data = item?["properties"]?["permissions"]?.array?.first?["dataActions"]?.array
        #expect(data?.contains("Microsoft.Compute/virtualMachines/loginAsAdmin/action") == true)
        let one = try await world.send(
            .get,
            "\(Self.base)/1c0163c0-47e6-4577-8991-ea5c82e286e4?\(Self.version)",
            as: world.admin.id
        )
        #expect(one.document == item)
        let bare = AuthorizationWorld.api + "roleDefinitions/1c0163c0-47e6-4577-8991-ea5c82e286e4?\(Self.version)"
        #expect(
            try await world.send(.get, bare, as: world.bob.id).document["id"]?.string
                == bare.split(separator: "?").first.map(String.init)
        )
        #expect(
            try await world.send(.get, "\(Self.base)/\(GUID.zero)?\(Self.version)", as: world.admin.id).status == 404
        )
        #expect(try await world.send(.get, "\(Self.base)?\(Self.version)", as: world.bob.id).status == 403)
    }

    @Test("a custom role lives: 201, listed by type, 200, cannot go while assigned, 200, 204")
    func custom() async throws {
        let world = try await AuthorizationWorld()
        let name = GUID(high: 3, low: 3)
        let uri = "\(Self.base)/\(name)?\(Self.version)"
        let body: JSONValue = [
            "properties": [
                "roleName": "Rebooter",
                "description": "may restart",
                "type": "CustomRole",
                "permissions": [["actions": ["Microsoft.Compute/virtualMachines/restart/action"], "notActions": []]],
                "assignableScopes": [.string(AuthorizationWorld.subscription)],
            ]
        ]
        #expect(try await world.send(.put, uri, as: world.bob.id, body).status == 403)
        #expect(try await world.send(.put, uri, as: world.admin.id, body).status == 201)
        #expect(try await world.send(.put, uri, as: world.admin.id, body).status == 201)
        let list = try await world.send(
            .get,
            "\(Self.base)?$filter=type%20eq%20'CustomRole'&\(Self.version)",
            as: world.admin.id
        )
        #expect(list.values.map { $0["properties"]?["roleName"] } == ["Rebooter"])
        let made = try await world.create(name, to: world.bob.id, at: AuthorizationWorld.group, as: world.admin.id)
        #expect(made.status == 201)
        #expect(try await world.send(.delete, uri, as: world.admin.id).code == "RoleDefinitionHasAssignments")
        _ = try await world.send(.delete, "\(made.document["id"]?.string ?? "")?\(Self.version)", as: world.admin.id)
        #expect(try await world.send(.delete, uri, as: world.admin.id).status == 200)
        #expect(try await world.send(.delete, uri, as: world.admin.id).status == 204)
        let builtIn = "\(Self.base)/\(RoleDefinition.owner)?\(Self.version)"
        #expect(try await world.send(.delete, builtIn, as: world.admin.id).status == 403)
    }
}

import AccessControl
import HTTPTypes
import Identity
import TestKit
import Testing
import Vocabulary

@Suite("Deny assignment routes, and what is not offered")
struct DenyAssignmentRouteTests {
    static let version = "?api-version=2022-04-01"

    private func body(_ actions: [String], excluding: GUID) -> JSONValue {
        [
            "properties": [
                "denyAssignmentName": "no deletion", "description": "",
                "permissions": [["actions": .array(actions.map { .string($0) }), "notActions": [], "dataActions": []]],
                "principals": [["id": .string(GUID.zero.description), "type": "SystemDefined"]],
                "excludePrincipals": [["id": .string(excluding.description), "type": "User"]],
                "isSystemProtected": false,
            ]
        ]
    }

    @Test("az role deny-assignment: create, show, list, delete")
    func life() async throws {
        let world = try await AuthorizationWorld()
        let admin = world.admin.id
        let id =
            "\(AuthorizationWorld.group)\(AuthorizationWorld.api)denyAssignments/\(GUID(from: world.random.source))"
        let made = try await world.send(
            .put,
            id + Self.version,
            as: admin,
            self.body(["Microsoft.Compute/virtualMachines/delete"], excluding: admin)
        )
        #expect(made.status == 201)
        #expect(made.document["properties"]?["isSystemProtected"]?.bool == false)
        #expect(try await world.send(.get, id + Self.version, as: admin).document["id"]?.string == id)
        let list = "\(AuthorizationWorld.machine)\(AuthorizationWorld.api)denyAssignments\(Self.version)"
        #expect(try await world.send(.get, list, as: admin).values.count == 1)
        #expect(try await world.send(.get, list, as: world.bob.id).status == 403)
        #expect(try await world.send(.delete, id + Self.version, as: world.bob.id).status == 403)
        #expect(try await world.send(.delete, id + Self.version, as: admin).status == 200)
        #expect(try await world.send(.delete, id + Self.version, as: admin).status == 204)
        #expect(try await world.send(.get, id + Self.version, as: admin).code == "DenyAssignmentNotFound")
    }

    @Test("reading cannot be denied, nor a group")
    func bounds() async throws {
        let world = try await AuthorizationWorld()
        let admin = world.admin.id
        let id =
            "\(AuthorizationWorld.group)\(AuthorizationWorld.api)denyAssignments/\(GUID(from: world.random.source))"
        let reading = try await world.send(.put, id + Self.version, as: admin, self.body(["*/read"], excluding: admin))
        #expect(reading.code == "InvalidDenyAssignment")
        var group = self.body(["Microsoft.Compute/virtualMachines/delete"], excluding: admin)
        group["properties"]?["principals"] = [["id": .string(world.ops.id.description), "type": "Group"]]
        #expect(try await world.send(.put, id + Self.version, as: admin, group).code == "InvalidDenyAssignment")
    }

    @Test(
        "10: eligible assignments are refused clearly, and so is the activity log",
        arguments: [
            ("Microsoft.Authorization/roleEligibilityScheduleRequests", "EligibleAssignmentsNotSupported"),
            ("Microsoft.Authorization/roleAssignmentScheduleInstances", "EligibleAssignmentsNotSupported"),
            ("Microsoft.Authorization/roleManagementPolicyAssignments", "EligibleAssignmentsNotSupported"),
            ("microsoft.insights/eventtypes/management/values", "ActivityLogNotSupported"),
        ]
    )
    func notOffered(_ type: String, _ code: String) async throws {
        let world = try await AuthorizationWorld()
        let uri = "\(AuthorizationWorld.subscription)/providers/\(type)\(Self.version)"
        let answer = try await world.send(.get, uri, as: world.admin.id)
        #expect(answer.status == 400)
        #expect(answer.code == code)
    }

    @Test("a deleted principal's assignment stays and is shown as Unknown; a foreign group is as the client said")
    func unknown() async throws {
        let world = try await AuthorizationWorld()
        let admin = world.admin.id
        let scope = AuthorizationWorld.group
        let first = try await world.create(RoleDefinition.reader, to: world.bob.id, at: scope, as: admin)
        #expect(first.document["properties"]?["principalType"]?.string == "User")
        let foreign = GUID(from: world.random.source)
        let second = try await world.create(
            RoleDefinition.reader,
            to: foreign,
            type: "ForeignGroup",
            at: scope,
            as: admin
        )
        #expect(second.status == 201)
        _ = try await world.directory.delete(world.bob.id)
        let list = "\(scope)\(AuthorizationWorld.api)roleAssignments\(Self.version)&$filter=atExactScope()"
        let listed = try await world.send(.get, list, as: admin).values
        let types = listed.compactMap { $0["properties"]?["principalType"]?.string }
        #expect(types.sorted() == ["ForeignGroup", "Unknown"])
    }

    @Test(
        "an assignment keeps delegatedManagedIdentityResourceId, and az role assignment update changes the description"
    )
    func update() async throws {
        let world = try await AuthorizationWorld()
        let name = GUID(from: world.random.source)
        let uri = "\(AuthorizationWorld.group)\(AuthorizationWorld.api)roleAssignments/\(name)\(Self.version)"
        var body: JSONValue = [
            "properties": [
                "roleDefinitionId": .string("\(AuthorizationWorld.api)roleDefinitions/\(RoleDefinition.reader)"),
                "principalId": .string(world.bob.id.description), "principalType": "User",
                "delegatedManagedIdentityResourceId": "/subscriptions/x/id",
            ]
        ]
        #expect(try await world.send(.put, uri, as: world.admin.id, body).status == 201)
        body["properties"]?["description"] = "for tests"
        let changed = try await world.send(.put, uri, as: world.admin.id, body)
        #expect(changed.status == 200)
        #expect(changed.document["properties"]?["description"]?.string == "for tests")
        let kept = changed.document["properties"]?["delegatedManagedIdentityResourceId"]?.string
        #expect(kept == "/subscriptions/x/id")
    }

    @Test("the short name of the RBAC Administrator finds the role")
    func alias() async throws {
        let world = try await AuthorizationWorld()
        for name in ["RBAC%20Administrator", "Role%20Based%20Access%20Control%20Administrator"] {
            let uri =
                "\(AuthorizationWorld.subscription)\(AuthorizationWorld.api)roleDefinitions\(Self.version)"
                + "&$filter=roleName%20eq%20'\(name)'"
            let found = try await world.send(.get, uri, as: world.admin.id).values
            #expect(
                found.map { $0["name"]?.string } == [RoleDefinition.roleBasedAccessControlAdministrator.description]
            )
        }
    }
}

import AccessControl
import HTTPTypes
import Identity
import ResourceRoutes
import TestKit
import Testing
import Vocabulary

@Suite("Role assignments over HTTP")
struct RoleAssignmentRouteTests {
    static let version = "api-version=2022-04-01"

    @Test("an Owner gives a role as az does: 201, then 409 RoleAssignmentExists, list, delete 200, delete again 204")
    func life() async throws {
        let world = try await AuthorizationWorld()
        let login = RoleDefinition.virtualMachineUserLogin
        let made = try await world.create(login, to: world.bob.id, at: AuthorizationWorld.group, as: world.admin.id)
        #expect(made.status == 201)
        let properties = made.document["properties"]
        #expect(
            properties?["roleDefinitionId"]?.string
                == "\(AuthorizationWorld.subscription)\(AuthorizationWorld.api)roleDefinitions/\(login)"
        )
        #expect(properties?["scope"]?.string == AuthorizationWorld.group)
        #expect(properties?["createdOn"]?.string == "2026-01-01T00:00:00.0000000Z")
        #expect(properties?["createdBy"]?.string == world.admin.id.description)
        #expect(properties?["condition"] == .null)

        let again = try await world.create(login, to: world.bob.id, at: AuthorizationWorld.group, as: world.admin.id)
        #expect(again.status == 409)
        #expect(again.code == "RoleAssignmentExists")

        let list = try await world.send(
            .get,
            "\(AuthorizationWorld.group)\(AuthorizationWorld.api)roleAssignments?$filter=atScope()&\(Self.version)",
            as: world.admin.id
        )
        #expect(list.values.count == 2)
        let id = try #require(made.document["id"]?.string)
        #expect(list.values.contains { $0["id"]?.string == id })
        let gone = try await world.send(.delete, "\(id)?\(Self.version)", as: world.admin.id)
        #expect(gone.status == 200)
        #expect(gone.document["id"]?.string == id)
        #expect(try await world.send(.delete, "\(id)?\(Self.version)", as: world.admin.id).status == 204)
    }

    @Test("role ids read the same in the list of roles and in assignments, wherever these come from")
    func equalIdentifiers() async throws {
        let world = try await AuthorizationWorld()
        try await world.assign(RoleDefinition.reader, to: world.bob.id, at: "/")
        let roles = try await world.send(
            .get,
            "\(AuthorizationWorld.subscription)\(AuthorizationWorld.api)roleDefinitions?%24filter=roleName%20eq%20%27Reader%27&api-version=2022-05-01-preview",
            as: world.admin.id
        )
        #expect(roles.values.count == 1)
        let list = try await world.send(
            .get,
            "\(AuthorizationWorld.subscription)\(AuthorizationWorld.api)roleAssignments?%24filter=principalId%20eq%20%27\(world.bob.id)%27&\(Self.version)",
            as: world.admin.id
        )
        #expect(list.values.count == 1)
        #expect(list.values.first?["properties"]?["roleDefinitionId"] == roles.values.first?["id"])
    }

    @Test("a Reader may list and may not assign: 403 in the resource manager's words")
    func reader() async throws {
        let world = try await AuthorizationWorld()
        try await world.assign(RoleDefinition.reader, to: world.bob.id, at: AuthorizationWorld.group)
        let list = try await world.send(
            .get,
            "\(AuthorizationWorld.machine)\(AuthorizationWorld.api)roleAssignments?\(Self.version)",
            as: world.bob.id
        )
        #expect(list.status == 200)
        let refused = try await world.create(
            RoleDefinition.owner,
            to: world.bob.id,
            at: AuthorizationWorld.group,
            as: world.bob.id
        )
        #expect(refused.status == 403)
        #expect(refused.code == "AuthorizationFailed")
        #expect(
            refused.message.hasPrefix(
                "The client 'bob@contoso.example' with object id '\(world.bob.id)' does not have authorization to perform action "
                    + "'Microsoft.Authorization/roleAssignments/write' over scope '\(AuthorizationWorld.group)' or the scope is invalid."
            )
        )
    }

    @Test("without a role nobody lists anybody's assignments but their own")
    func leastVisibility() async throws {
        let world = try await AuthorizationWorld()
        let login = try await world.assign(
            RoleDefinition.virtualMachineUserLogin,
            to: world.bob.id,
            at: AuthorizationWorld.machine
        )
        let base = "\(AuthorizationWorld.machine)\(AuthorizationWorld.api)roleAssignments?\(Self.version)"
        #expect(try await world.send(.get, base, as: world.bob.id).status == 403)
        let other = base + "&$filter=principalId%20eq%20'\(world.admin.id)'"
        #expect(try await world.send(.get, other, as: world.bob.id).status == 403)
        let mixed = base + "&$filter=principalId%20eq%20'\(world.bob.id)'%20and%20assignedTo('\(world.admin.id)')"
        #expect(try await world.send(.get, mixed, as: world.bob.id).status == 403)
        let own = try await world.send(.get, base + "&$filter=assignedTo('\(world.bob.id)')", as: world.bob.id)
        #expect(own.values.map { $0["name"]?.string } == [login.name.description])
    }

    @Test("assignedTo follows groups, principalId does not")
    func groups() async throws {
        let world = try await AuthorizationWorld()
        _ = try await world.directory.add(member: world.bob.id, to: world.ops.id)
        try await world.assign(RoleDefinition.reader, to: world.ops.id, at: AuthorizationWorld.group)
        let base = "\(AuthorizationWorld.group)\(AuthorizationWorld.api)roleAssignments?\(Self.version)&$filter="
        let through = try await world.send(
            .get,
            base + "atScope()+and+assignedTo('\(world.bob.id)')",
            as: world.admin.id
        )
        #expect(through.values.count == 1)
        let direct = try await world.send(.get, base + "principalId+eq+'\(world.bob.id)'", as: world.admin.id)
        #expect(direct.status == 200)
        #expect(direct.values.isEmpty)
    }

    @Test(
        "unknown filters are refused instead of ignored",
        arguments: [
            "createdBy eq 'x'", "atScope() or atScope()", "principalId ne 'x'", "atScope(", "principalId eq 'x", "'",
            "%ff",
        ]
    )
    func filters(filter: String) async throws {
        let world = try await AuthorizationWorld()
        let encoded = filter.replacing(" ", with: "%20")
        let answer = try await world.send(
            .get,
            "\(AuthorizationWorld.group)\(AuthorizationWorld.api)roleAssignments?\(Self.version)&$filter=\(encoded)",
            as: world.admin.id
        )
        #expect(answer.status == 400)
    }

    @Test("an unknown principal is refused unless its type is given; a wrong type is refused")
    func principals() async throws {
        let world = try await AuthorizationWorld()
        let stranger = GUID(high: 5, low: 5)
        let (role, scope, admin) = (RoleDefinition.reader, AuthorizationWorld.group, world.admin.id)
        let unknown = try await world.create(role, to: stranger, type: nil, at: scope, as: admin)
        #expect(unknown.status == 400)
        #expect(unknown.code == "PrincipalNotFound")
        #expect(
            try await world.create(role, to: stranger, type: "ServicePrincipal", at: scope, as: admin).status == 201
        )
        #expect(
            try await world.create(role, to: world.bob.id, type: "Group", at: scope, as: admin).code
                == "UnmatchedPrincipalType"
        )
        #expect(
            try await world.create(role, to: world.bob.id, type: "Robot", at: scope, as: admin).code
                == "InvalidPrincipalType"
        )
        let group = try await world.create(role, to: world.ops.id, type: nil, at: scope, as: admin)
        #expect(group.document["properties"]?["principalType"]?.string == "Group")
        let robot = try await world.create(role, to: world.robot.id, type: nil, at: scope, as: admin)
        #expect(robot.document["properties"]?["principalType"]?.string == "ServicePrincipal")
        #expect(
            try await world.create(role, to: stranger, type: nil, at: scope, as: world.bob.id).code
                == "AuthorizationFailed"
        )
    }

    @Test("a scope that does not exist is 404 with rights and 403 without")
    func missingScope() async throws {
        let world = try await AuthorizationWorld(
            .init(exists: { $0.key == AuthorizationWorld.group.lowercased() })
        )
        let missing = AuthorizationWorld.group + "/providers/Microsoft.Compute/virtualMachines/gone"
        let admin = try await world.create(RoleDefinition.reader, to: world.bob.id, at: missing, as: world.admin.id)
        #expect(admin.status == 404)
        #expect(admin.code == "ResourceNotFound")
        let bob = try await world.create(RoleDefinition.reader, to: world.bob.id, at: missing, as: world.bob.id)
        #expect(bob.status == 403)
    }

    @Test("a condition outside the known part is 400 and nothing is created")
    func condition() async throws {
        let world = try await AuthorizationWorld()
        let body: JSONValue = [
            "properties": [
                "roleDefinitionId": .string(
                    "\(AuthorizationWorld.subscription)\(AuthorizationWorld.api)roleDefinitions/\(RoleDefinition.owner)"
                ),
                "principalId": .string(world.bob.id.description),
                "condition": "@Principal[x] StringEquals 'a'",
                "conditionVersion": "2.0",
            ]
        ]
        let uri =
            "\(AuthorizationWorld.group)\(AuthorizationWorld.api)roleAssignments/\(GUID(high: 1, low: 2))?\(Self.version)"
        let answer = try await world.send(.put, uri, as: world.admin.id, body)
        #expect(answer.status == 400)
        #expect(answer.code == "InvalidCondition")
        #expect(world.access.assignment(GUID(high: 1, low: 2)) == nil)
    }

    @Test("no api-version is 400, no token is 401 with the place to sign in, a wrong method is 405")
    func conventions() async throws {
        let world = try await AuthorizationWorld()
        let path = "\(AuthorizationWorld.group)\(AuthorizationWorld.api)roleAssignments"
        let versionless = try await world.send(.get, path, as: world.admin.id)
        #expect(versionless.status == 400)
        #expect(versionless.code == "MissingApiVersionParameter")
        for version in ["latest", "2022-4-1", "2022-04-01-mine", "2022-04-01-preview-x"] {
            #expect(
                try await world.send(.get, "\(path)?api-version=\(version)", as: world.admin.id).code
                    == "InvalidApiVersionParameter"
            )
        }
        let anonymous = try await world.send(.get, "\(path)?\(Self.version)", as: nil)
        #expect(anonymous.status == 401)
        let challenge = anonymous.headers[.wwwAuthenticate] ?? ""
        #expect(
            challenge.hasPrefix("Bearer authorization_uri=\"https://localhost:8443/tenant\", error=\"invalid_token\"")
        )
        #expect(challenge.contains("The 'Authorization' header"))
        #expect(try await world.send(.patch, "\(path)?\(Self.version)", as: world.admin.id).status == 405)
    }

    @Test("answers carry the client's request id as correlation, and odd spellings of a path are the same path")
    func headers() async throws {
        let world = try await AuthorizationWorld()
        let name = try #require(HTTPField.Name("x-ms-client-request-id"))
        let id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
        let uri =
            "/SUBSCRIPTIONS/11111111-1111-4111-8111-111111111111//providers/microsoft.authorization/ROLEASSIGNMENTS?API-version=2022-04-01"
        let answer = try await world.send(.get, uri, as: world.admin.id, headers: [name: id])
        #expect(answer.status == 200)
        #expect(answer.values.count == 1)
        for header in ["x-ms-request-id", "x-ms-correlation-request-id"] {
            #expect(HTTPField.Name(header).map { answer.headers[$0] } == id)
        }
        #expect(answer.headers[.cacheControl] == "no-cache")
    }

    @Test("encoded slashes, dots and doubled options do not move a request to another scope")
    func confusion() async throws {
        let world = try await AuthorizationWorld()
        try await world.assign(RoleDefinition.owner, to: world.bob.id, at: AuthorizationWorld.machine)
        let tail = "\(AuthorizationWorld.api)roleAssignments?\(Self.version)"
        for prefix in [
            "\(AuthorizationWorld.machine)/..", "\(AuthorizationWorld.machine)/%2e%2e",
            "\(AuthorizationWorld.machine)%2f..%2f..", "\(AuthorizationWorld.machine)%252f",
        ] {
            let answer = try await world.send(.get, prefix + tail, as: world.bob.id)
            #expect(answer.status != 200 || answer.document == "resources")
        }
        let doubled = try await world.send(
            .get,
            "\(AuthorizationWorld.machine)\(tail)&$filter=atScope()&%24filter=atExactScope()",
            as: world.bob.id
        )
        #expect(doubled.code == "InvalidRequestUri")
    }

    @Test("other requests go on to other routes")
    func passing() async throws {
        let world = try await AuthorizationWorld()
        let answer = try await world.send(.get, "\(AuthorizationWorld.machine)?\(Self.version)", as: world.admin.id)
        #expect(answer.document == "resources")
        let policy = "\(AuthorizationWorld.group)\(AuthorizationWorld.api)policyAssignments?\(Self.version)"
        #expect(try await world.send(.get, policy, as: world.admin.id).document == "resources")
    }

    @Test("the last Owner of the subscription cannot be removed")
    func lastOwner() async throws {
        let world = try await AuthorizationWorld()
        let own = try #require(world.access.assignments(at: .root).first)
        let answer = try await world.send(.delete, "\(own.id)?\(Self.version)", as: world.admin.id)
        #expect(answer.status == 409)
        #expect(answer.message.contains("Cannot delete the last RBAC admin assignment"))
    }

    @Test("the subscription says how many assignments are left")
    func usage() async throws {
        let world = try await AuthorizationWorld()
        let uri =
            "\(AuthorizationWorld.subscription)\(AuthorizationWorld.api)roleAssignmentsUsageMetrics?\(Self.version)"
        let answer = try await world.send(.get, uri, as: world.admin.id)
        #expect(answer.document["roleAssignmentsLimit"] == 4000)
        #expect(answer.document["roleAssignmentsRemainingCount"] == 3999)
        #expect(try await world.send(.get, uri, as: world.bob.id).status == 403)
    }
}

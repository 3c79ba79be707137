import AccessControl
import HTTPTypes
import Identity
import ResourceRoutes
import TestKit
import Testing
import Vocabulary

@Suite("Management group routes")
struct ManagementGroupRouteTests {
    static let base = "/providers/Microsoft.Management/managementGroups"
    static let version = "?api-version=2021-04-01"
    static let subscription = GUID(AuthorizationWorld.subscription.suffix(36)) ?? .zero

    private func world() async throws -> AuthorizationWorld {
        var surroundings = ResourceSurroundings()
        surroundings.subscriptions = { [(Self.subscription, "demo")] }
        let world = try await AuthorizationWorld(surroundings)
        try await world.directory.setDirectoryRoles(of: world.admin.id, to: [.globalAdministrator])
        return world
    }

    private func create(_ world: AuthorizationWorld, _ name: String, below parent: String? = nil) async throws
        -> RouteAnswer
    {
        var details: JSONValue = [:]
        if let parent { details["parent"] = ["id": .string("\(Self.base)/\(parent)")] }
        return try await world.send(
            .put,
            "\(Self.base)/\(name)\(Self.version)",
            as: world.admin.id,
            ["name": .string(name), "properties": ["displayName": .string("The \(name)"), "details": details]]
        )
    }

    @Test("az account management-group: create, show with children, update, subscription add and remove, delete")
    func life() async throws {
        let world = try await self.world()
        let admin = world.admin.id
        let made = try await self.create(world, "corp")
        #expect(made.status == 200)
        #expect(made.document["id"]?.string == "\(Self.base)/corp")
        #expect(
            made.document["properties"]?["details"]?["parent"]?["name"]?.string
                == world.access.rootManagementGroup?.name
        )
        #expect(try await self.create(world, "prod", below: "corp").status == 200)

        let moved = try await world.send(
            .put,
            "\(Self.base)/prod/subscriptions/\(Self.subscription)\(Self.version)",
            as: admin
        )
        #expect(moved.status == 200)
        #expect(moved.document["properties"]?["parent"]?["id"]?.string == "\(Self.base)/prod")

        let shown = try await world.send(
            .get,
            "\(Self.base)/corp\(Self.version)&$expand=children&$recurse=true",
            as: admin
        )
        let child = shown.document["properties"]?["children"]?.array?.first
        #expect(child?["name"]?.string == "prod")
        #expect(child?["children"]?.array?.first?["id"]?.string == AuthorizationWorld.subscription)

        let patched = try await world.send(
            .patch,
            "\(Self.base)/prod\(Self.version)",
            as: admin,
            ["displayName": "Production"]
        )
        #expect(patched.document["properties"]?["displayName"]?.string == "Production")
        #expect(patched.document["properties"]?["details"]?["parent"]?["name"]?.string == "corp")

        #expect(try await world.send(.delete, "\(Self.base)/prod\(Self.version)", as: admin).code == "BadRequest")
        let removed = "\(Self.base)/prod/subscriptions/\(Self.subscription)\(Self.version)"
        #expect(try await world.send(.delete, removed, as: admin).status == 200)
        #expect(try await world.send(.delete, removed, as: admin).status == 204)
        for name in ["prod", "corp", "corp"] {
            let answer = try await world.send(.delete, "\(Self.base)/\(name)\(Self.version)", as: admin)
            #expect(answer.status == 204 || (name == "corp" && answer.status == 403))
        }
    }

    @Test("a role given at a group is inherited by the subscription and listed there with --include-inherited")
    func inherited() async throws {
        let world = try await self.world()
        _ = try await self.create(world, "corp")
        _ = try await world.send(
            .put,
            "\(Self.base)/corp/subscriptions/\(Self.subscription)\(Self.version)",
            as: world.admin.id
        )
        let given = try await world.create(
            RoleDefinition.virtualMachineUserLogin,
            to: world.bob.id,
            at: "\(Self.base)/corp",
            as: world.admin.id
        )
        #expect(given.status == 201)
        let listed = try await world.send(
            .get,
            "\(AuthorizationWorld.machine)\(AuthorizationWorld.api)roleAssignments?api-version=2022-04-01"
                + "&$filter=atScope()",
            as: world.admin.id
        )
        #expect(listed.values.contains { $0["properties"]?["scope"]?.string == "\(Self.base)/corp" })
        let why = try await world.send(
            .get,
            "\(AuthorizationWorld.machine)/providers/Sallyport.Access/effectiveAccess?api-version=2024-01-01",
            as: world.bob.id
        )
        #expect(why.document["signIn"]?["level"]?.string == "user")
        #expect(why.document["signIn"]?["sentence"]?.string?.contains("\(Self.base)/corp") == true)
    }

    @Test("nobody sees or changes groups without a role; an unknown group is 403 without rights and 404 with")
    func strangers() async throws {
        let world = try await self.world()
        _ = try await self.create(world, "corp")
        let bob = world.bob.id
        #expect(try await world.send(.get, "\(Self.base)\(Self.version)", as: bob).values.isEmpty)
        for name in ["corp", "nowhere"] {
            let uri = "\(Self.base)/\(name)\(Self.version)"
            #expect(try await world.send(.get, uri, as: bob).status == 403)
            #expect(try await world.send(.delete, uri, as: bob).status == 403)
            #expect(try await world.send(.put, uri, as: bob, ["properties": [:]]).status == 403)
        }
        let move = "\(Self.base)/corp/subscriptions/\(Self.subscription)\(Self.version)"
        #expect(try await world.send(.put, move, as: bob).status == 403)
        try await world.assign(RoleDefinition.reader, to: bob, at: "/")
        #expect(try await world.send(.get, "\(Self.base)/nowhere\(Self.version)", as: bob).status == 404)
        #expect(try await world.send(.get, "\(Self.base)\(Self.version)", as: bob).values.count == 2)
    }

    @Test("names are checked, entities are listed with the names above them, and settings are refused clearly")
    func around() async throws {
        let world = try await self.world()
        _ = try await self.create(world, "corp")
        let check = "/providers/Microsoft.Management/checkNameAvailability\(Self.version)"
        for (name, isFree) in [("CORP", false), ("other", true), ("no/good", false)] {
            let answer = try await world.send(.post, check, as: world.admin.id, ["name": .string(name)])
            #expect(answer.document["nameAvailable"]?.bool == isFree)
        }
        let entities = try await world.send(
            .post,
            "/providers/Microsoft.Management/getEntities\(Self.version)",
            as: world.admin.id
        )
        let root = world.access.rootManagementGroup?.name ?? ""
        #expect(entities.values.contains { $0["properties"]?["parentNameChain"]?.array == [.string(root)] })
        let settings = "\(Self.base)/corp/settings/default\(Self.version)"
        #expect(
            try await world.send(.get, settings, as: world.admin.id).code == "HierarchySettingsNotSupported"
        )
    }

    @Test("a Global Administrator elevates access, others do not")
    func elevation() async throws {
        let world = try await self.world()
        let uri = "/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01"
        #expect(try await world.send(.post, uri, as: world.bob.id).status == 403)
        #expect(try await world.send(.post, uri, as: world.admin.id).status == 200)
        #expect(try await world.send(.post, uri, as: world.admin.id).status == 200)
        let held = world.access.assignments(at: .root, RoleAssignmentFilter(reach: .exactly))
        #expect(held.map(\.roleDefinition) == [RoleDefinition.userAccessAdministrator])
    }
}

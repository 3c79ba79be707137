import AccessControl
import Deployments
import Resources
import Storage
import TestKit
import Testing
import Vocabulary

@Suite("Deployments")
struct DeploymentTests {
    // MARK: Carrying out

    @Test("make what 'az vm create' sends, in the order of what depends on what, with the role last")
    func machine() async throws {
        let world = try await DeploymentWorld()
        let body = DeploymentWorld.body(DeploymentWorld.machine(), ["adminPassword": ["value": "Hunter2-Hunter2"]])
        let done = try await world.deploy(body)
        #expect(done.state == .succeeded, "\(done.error?.text ?? "")")
        let machine = try #require(ResourcePath("\(DeploymentWorld.compute)/virtualMachines/vm1"))
        #expect(world.resources.resource(machine)?.identityPrincipal == DeploymentWorld.machineIdentity)
        let given = world.accessControl.assignments(at: .root).filter {
            $0.principal == DeploymentWorld.machineIdentity
        }
        #expect(given.map(\.scope.description) == [DeploymentWorld.subscription])
        #expect(done.outputResources.count == 5)
        #expect(done.document["properties"]?["dependencies"]?.array?.count == 3)
        let operations = try await world.deployments.operations(of: done.path, for: world.owner)
        #expect(operations.count == 5)
        #expect(operations.allSatisfy { $0.document(in: done.path)["properties"]?["provisioningState"] == "Succeeded" })
    }

    @Test("keep no secret: neither passwords that come as parameters nor data in the template itself")
    func secrets() async throws {
        let world = try await DeploymentWorld()
        var template = DeploymentWorld.machine()
        template["outputs"] = ["leak": ["type": "string", "value": "[concat('x', parameters('adminPassword'))]"]]
        let done = try await world.deploy(
            DeploymentWorld.body(template, ["adminPassword": ["value": "Hunter2-Hunter2"]])
        )
        #expect(done.state == .succeeded)
        #expect(done.outputs?["leak"]?["value"] == "x***")
        for table in ["deployment", "deployment_operation", "resource"] {
            let rows = try await world.database.read { reader in
                switch table {
                case "deployment": try reader.rows("SELECT record FROM deployment")
                case "resource": try reader.rows("SELECT record FROM resource")
                default: try reader.rows("SELECT record FROM deployment_operation")
                }
            }
            #expect(!rows.isEmpty)
            for row in rows {
                let text = try row.text("record")
                #expect(!text.contains("Hunter2") && !text.contains("I2Nsb3VkLWNvbmZpZw"))
            }
        }
        #expect(
            try await world.deployments.template(of: done.path, for: world.owner).text.contains(
                "parameters('adminPassword')"
            )
        )
    }

    @Test("that run again with the same template change nothing and answer as known")
    func again() async throws {
        let world = try await DeploymentWorld()
        let body = DeploymentWorld.body(["resources": [DeploymentWorld.net()]])
        try await world.deploy(body)
        let path = try #require(ResourcePath("\(DeploymentWorld.network)/virtualNetworks/net"))
        let etag = world.resources.resource(path)?.etag
        let (_, created) = try await world.deployments.start(DeploymentWorld.path(), body: body, by: world.author())
        await world.deployments.settle()
        #expect(!created && world.resources.resource(path)?.etag == etag)
    }

    @Test("give outputs, with what the resources say of themselves")
    func outputs() async throws {
        let world = try await DeploymentWorld()
        let done = try await world.deploy(
            DeploymentWorld.body([
                "resources": [DeploymentWorld.net()],
                "outputs": [
                    "prefix": ["type": "string", "value": "[reference('net').addressSpace.addressPrefixes[0]]"],
                    "where": ["type": "string", "value": "[resourceGroup().location]"],
                    "who": ["type": "string", "value": "[deployer().userPrincipalName]"],
                ],
            ])
        )
        #expect(done.outputs?["prefix"] == ["type": "String", "value": "10.0.0.0/16"])
        #expect(
            done.outputs?["where"]?["value"] == "local" && done.outputs?["who"]?["value"] == "admin@contoso.example"
        )
    }

    @Test("in deployments have records of their own and hand their outputs up")
    func nested() async throws {
        let world = try await DeploymentWorld()
        let inner = DeploymentWorld.body([
            "resources": [DeploymentWorld.net("innerNet")],
            "outputs": ["o": ["type": "string", "value": "from below"]],
        ])
        let done = try await world.deploy(
            DeploymentWorld.body([
                "resources": [
                    [
                        "type": "Microsoft.Resources/deployments", "apiVersion": "2024-11-01", "name": "inner",
                        "properties": inner["properties"] ?? [:],
                    ]
                ],
                "outputs": ["up": ["type": "string", "value": "[reference('inner').outputs.o.value]"]],
            ])
        )
        #expect(done.state == .succeeded, "\(done.error?.text ?? "")")
        #expect(done.outputs?["up"]?["value"] == "from below")
        #expect(try await world.deployments.get(DeploymentWorld.path("inner"), for: world.owner).state == .succeeded)
    }

    @Test("to a subscription make groups, and what is in them")
    func subscription() async throws {
        let world = try await DeploymentWorld()
        let inner = DeploymentWorld.body([
            "resources": [DeploymentWorld.net("net", ["location": "[resourceGroup().location]"])]
        ])
        var properties = inner["properties"] ?? [:]
        properties["expressionEvaluationOptions"] = ["scope": "inner"]
        var body = DeploymentWorld.body([
            "resources": [
                [
                    "type": "Microsoft.Resources/resourceGroups", "apiVersion": "2024-11-01", "name": "fresh",
                    "location": "local",
                    "properties": [:],
                ],
                [
                    "type": "Microsoft.Resources/deployments", "apiVersion": "2024-11-01", "name": "inner",
                    "resourceGroup": "fresh",
                    "dependsOn": ["[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'fresh')]", "fresh"],
                    "properties": properties,
                ],
            ]
        ])
        body["location"] = "local"
        let done = try await world.deploy(body, "sub", in: DeploymentWorld.subscription)
        #expect(done.state == .succeeded, "\(done.error?.text ?? "")")
        let net = ResourcePath(
            "\(DeploymentWorld.subscription)/resourceGroups/fresh/providers/Microsoft.Network/virtualNetworks/net"
        )
        #expect(world.resources.resource(try #require(net)) != nil)
    }

    @Test("in mode Complete remove what the template does not name, whatever uses what")
    func complete() async throws {
        let world = try await DeploymentWorld()
        try await world.deploy(
            DeploymentWorld.body(DeploymentWorld.machine(), ["adminPassword": ["value": "Hunter2-Hunter2"]])
        )
        let done = try await world.deploy(
            DeploymentWorld.body(["resources": [DeploymentWorld.net("other")]], mode: "Complete"),
            "d2"
        )
        #expect(done.state == .succeeded, "\(done.error?.text ?? "")")
        let group = try #require(ResourcePath(DeploymentWorld.group))
        let left = world.resources.list(below: group).filter { $0.path.segments.count == 8 }.map(\.name)
        #expect(left == ["other"])
    }

    // MARK: Refusing

    @Test("are refused as a whole before anything is made, with the resource that is wrong")
    func preflight() async throws {
        let world = try await DeploymentWorld()
        var template = DeploymentWorld.machine()
        var list = template["resources"]?.array ?? []
        list[0]["properties"] = ["addressSpace": ["addressPrefixes": ["10.0.0.1/16"]]]
        template["resources"] = .array(list)
        let problem = await world.problem(
            DeploymentWorld.body(template, ["adminPassword": ["value": "Hunter2-Hunter2"]])
        )
        #expect(problem?.code == "InvalidTemplateDeployment")
        #expect(problem?.details.first?.target?.hasSuffix("/virtualNetworks/vm1VNET") == true)
        #expect(world.resources.list(below: try #require(ResourcePath(DeploymentWorld.group))).count == 1)
    }

    @Test("need a right for every resource, each missing one named, before anything is made")
    func rights() async throws {
        let world = try await DeploymentWorld()
        let body = DeploymentWorld.body(DeploymentWorld.machine(), ["adminPassword": ["value": "Hunter2-Hunter2"]])
        #expect(await world.problem(body, as: world.reader)?.code == "AuthorizationFailed")
        // A contributor may make everything but give no role.
        let problem = await world.problem(body, as: world.builder)
        #expect(problem?.code == "InvalidTemplateDeployment")
        #expect(
            problem?.details.map(\.code) == ["AuthorizationFailed"]
                || problem?.details.map(\.code) == ["SubscriptionNotFound"]
        )
        #expect(problem?.details.first?.shown.contains("roleAssignments") == true)
        #expect(world.resources.list(below: try #require(ResourcePath(DeploymentWorld.group))).count == 1)
    }

    @Test("of somebody who lost their account while it ran stop there, and say so")
    func lost() async throws {
        let world = try await DeploymentWorld()
        world.flag.value = false
        let done = try await world.deploy(DeploymentWorld.body(["resources": [DeploymentWorld.net()]]))
        #expect(done.state == .failed)
        #expect(
            done.error?["code"] == "DeploymentFailed"
                && done.error?["details"]?.array?.first?["code"] == "AuthorizationFailed"
        )
        let operation = try await world.deployments.operations(of: done.path, for: world.owner).first
        let properties = operation?.document(in: done.path)["properties"]
        #expect(
            properties?["provisioningState"] == "Failed"
                && properties?["statusMessage"]?["error"]?["code"] == "AuthorizationFailed"
        )
    }

    static let wrong: [(JSONValue, String)] = [
        ([:], "InvalidRequestContent"), (["properties": ["mode": "incremental"]], "InvalidTemplate"),
        (["properties": ["mode": "best", "template": [:]]], "InvalidDeploymentMode"),
        (["properties": ["templateLink": ["uri": "https://x"]]], "InvalidTemplateLink"),
        (["properties": ["template": ["resources": [["type": "a"]]]]], "InvalidTemplate"),
        (
            DeploymentWorld.body(["resources": [["type": "Contoso.X/y", "name": "n", "apiVersion": "1"]]]),
            "InvalidTemplateDeployment"
        ),
    ]

    @Test("that cannot be read are refused by name", arguments: wrong.indices)
    func requests(_ index: Int) async throws {
        let world = try await DeploymentWorld()
        #expect(await world.problem(Self.wrong[index].0)?.code == Self.wrong[index].1)
    }

    @Test("have names of 1 to 64 plain letters, and groups that exist")
    func names() async throws {
        let world = try await DeploymentWorld()
        let body = DeploymentWorld.body([:])
        #expect(await world.problem(body, String(repeating: "a", count: 65))?.code == "InvalidDeploymentName")
        #expect(await world.problem(body, "a b")?.code == "InvalidDeploymentName")
        do throws(Problem) {
            let path = DeploymentWorld.path("d", in: "\(DeploymentWorld.subscription)/resourceGroups/none")
            _ = try await world.deployments.start(path, body: body, by: world.author())
            Issue.record("a group that is not there")
        } catch {
            #expect(error.code == "ResourceGroupNotFound")
        }
    }

    @Test("say that they were cut off by a restart, and can be run again")
    func restart() async throws {
        let world = try await DeploymentWorld()
        let done = try await world.deploy(DeploymentWorld.body(["resources": [DeploymentWorld.net()]]))
        try await world.database.write { transaction in
            let record = try transaction.row("SELECT record FROM deployment")?.text("record") ?? ""
            let running = record.replacing("\"Succeeded\"", with: "\"Running\"")
            try transaction.run("UPDATE deployment SET state = 'Running', record = \(running)")
        }
        try await world.deployments.load()
        let after = try await world.deployments.get(done.path, for: world.owner)
        #expect(after.state == .failed && after.error?["details"]?.array?.first?["code"] == "DeploymentInterrupted")
        #expect(
            try await world.deploy(DeploymentWorld.body(["resources": [DeploymentWorld.net()]])).state == .succeeded
        )
    }

    @Test("are listed, shown and removed by those who may, and only when they are over")
    func reading() async throws {
        let world = try await DeploymentWorld()
        let done = try await world.deploy(DeploymentWorld.body([:]))
        let group = try #require(ResourcePath(DeploymentWorld.group))
        #expect(try await world.deployments.list(in: group, for: world.reader).map(\.path) == [done.path])
        do throws(Problem) {
            _ = try await world.deployments.delete(done.path, by: world.author(world.reader))
            Issue.record("a reader removed it")
        } catch {
            #expect(error.code == "AuthorizationFailed")
        }
        do throws(Problem) {
            try await world.deployments.cancel(done.path, by: world.author())
            Issue.record("it was over")
        } catch {
            #expect(error.code == "DeploymentCannotBeCancelled")
        }
        #expect(try await world.deployments.delete(done.path, by: world.author()))
        #expect(try await world.deployments.delete(done.path, by: world.author()) == false)
    }

    @Test("keep 800 of a scope, the oldest give way")
    func kept() async throws {
        let world = try await DeploymentWorld()
        try await world.database.write { transaction in
            for index in 0..<800 {
                try transaction.run(
                    """
                    INSERT INTO deployment (path, scope, state, started_at, record)
                    VALUES (\("/old/\(index)"), \(DeploymentWorld.group.lowercased()), 'Succeeded', \(Int64(index)), '{}')
                    """
                )
            }
        }
        try await world.deploy(DeploymentWorld.body([:]))
        let count = try await world.database.read {
            try $0.row("SELECT COUNT(*) AS count FROM deployment")?.integer("count")
        }
        #expect(count == 800)
        #expect(
            try await world.database.read { try $0.row("SELECT path FROM deployment WHERE path = '/old/0'") } == nil
        )
    }
}

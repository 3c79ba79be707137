import AccessControl
import Deployments
import Testing
import Vocabulary

@Suite("Deployments as a way around something")
struct HostileDeploymentTests {
    @Test("tell no secret of the template around them, when that gives it to them as an ordinary parameter")
    func nestedSecret() async throws {
        let world = try await DeploymentWorld()
        let inner: JSONValue = [
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0", "parameters": ["plain": ["type": "string"]], "resources": [],
            "outputs": ["o": ["type": "string", "value": "[parameters('plain')]"]],
        ]
        let nested: JSONValue = [
            "type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": "inner",
            "properties": [
                "mode": "Incremental", "expressionEvaluationOptions": ["scope": "inner"],
                "parameters": ["plain": ["value": "[parameters('pw')]"]], "template": inner,
            ],
        ]
        let template: JSONValue = ["parameters": ["pw": ["type": "securestring"]], "resources": [nested]]
        try await world.deploy(DeploymentWorld.body(template, ["pw": ["value": "Hunter2-Hunter2"]]))
        let made = try await world.deployments.get(DeploymentWorld.path("inner"), for: world.owner)
        #expect(made.state == .succeeded)
        #expect(made.outputs?["o"]?["value"] == "***")
        #expect(!made.document.text.contains("Hunter2"))
    }

    private func lock(_ scope: String, _ level: String, in world: DeploymentWorld) async throws {
        try await world.declare(
            "\(scope)/providers/Microsoft.Authorization/locks/l",
            ["properties": ["level": .string(level)]]
        )
    }

    @Test("give no role where a lock keeps everything as it is")
    func lockedRole() async throws {
        let world = try await DeploymentWorld()
        try await world.deploy(DeploymentWorld.body(["resources": [DeploymentWorld.net()]]), "first")
        let net = "\(DeploymentWorld.network)/virtualNetworks/net"
        try await self.lock(net, "ReadOnly", in: world)
        let role = try #require(world.accessControl.definition(named: "Reader")).name
        let given: JSONValue = [
            "type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01",
            "scope": "Microsoft.Network/virtualNetworks/net",
            "name": "0a0a0a0a-0000-4000-8000-000000000001",
            "properties": [
                "roleDefinitionId": .string("/providers/Microsoft.Authorization/roleDefinitions/\(role)"),
                "principalId": .string(world.reader.id.description), "principalType": "User",
            ],
        ]
        let done = try await world.deploy(DeploymentWorld.body(["resources": [given]]))
        #expect(done.error?["details"]?.array?.first?["code"] == "ScopeLocked")
        #expect(
            world.accessControl.assignments(at: try #require(ResourcePath(net))).allSatisfy { $0.scope.name != "net" }
        )
    }

    @Test("are not begun or forgotten in a group with a lock against it")
    func locked() async throws {
        let world = try await DeploymentWorld()
        let body = DeploymentWorld.body(["resources": []])
        try await world.deploy(body, "first")
        try await self.lock(DeploymentWorld.group, "ReadOnly", in: world)
        #expect(await world.problem(body)?.code == "ScopeLocked")
        await #expect(throws: Problem.self) {
            try await world.deployments.delete(DeploymentWorld.path("first"), by: world.author())
        }
    }

    // Each level's loop makes ten of the next: a hundred thousand templates out of three kilobytes.
    private func bomb(_ levels: Int, _ scope: String) -> JSONValue {
        guard levels > 0 else { return ["contentVersion": "1.0.0.0", "resources": []] }
        let nested: JSONValue = [
            "type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01",
            "name": .string("[concat('n\(levels)-', copyIndex())]"), "copy": ["name": "c", "count": 10],
            "properties": [
                "mode": "Incremental", "expressionEvaluationOptions": ["scope": .string(scope)],
                "template": self.bomb(levels - 1, scope),
            ],
        ]
        return ["contentVersion": "1.0.0.0", "resources": [nested]]
    }

    @Test("cost no more work than one template may, however loops are nested in them", arguments: ["outer", "inner"])
    func nestedLoops(_ scope: String) async throws {
        let world = try await DeploymentWorld()
        let problem = await world.problem(DeploymentWorld.body(self.bomb(5, scope)))
        #expect(problem?.shown.contains("more work than is allowed") == true)
    }

    @Test("that a command of the Azure CLI wrote are refused where it can read why: it fails after it was accepted")
    func refusedLater() async throws {
        let world = try await DeploymentWorld()
        let body = DeploymentWorld.body(["resources": [DeploymentWorld.net("bad name")]])
        let done = try await world.deploy(body, "vm_deploy_Jtwdl1CVjOyDN57vVqwfgZi5cirnt07k")
        #expect(done.state == .failed && done.error?["code"] == "InvalidTemplateDeployment")
        #expect(done.error?["details"]?.array?.first?["code"] == "InvalidResourceName")
        #expect(await world.problem(body, "vm_deploy_mine")?.code == "InvalidTemplateDeployment")
        let broken = DeploymentWorld.body(["resources": [["type": "x"]]])
        #expect(await world.problem(broken, "vm_deploy_Jtwdl1CVjOyDN57vVqwfgZi5cirnt07k") != nil)
        #expect(
            await world.problem(body, as: world.reader, "vm_deploy_Jtwdl1CVjOyDN57vVqwfgZi5cirnt07k")?.code
                == "AuthorizationFailed"
        )
    }
}

import AccessControl
import Deployments
import Resources
import TestKit
import Testing
import Vocabulary

@Suite("Deployments before they are made")
struct DeploymentPreviewTests {
    @Test("say beforehand what they would make, change, leave and remove, and make nothing")
    func foresight() async throws {
        let world = try await DeploymentWorld()
        try await world.deploy(
            DeploymentWorld.body([
                "resources": [DeploymentWorld.net("a"), DeploymentWorld.net("b"), DeploymentWorld.net("c")]
            ])
        )
        let body = DeploymentWorld.body(
            [
                "resources": [
                    DeploymentWorld.net("a"), DeploymentWorld.net("b", ["tags": ["x": "y"]]), DeploymentWorld.net("d"),
                ]
            ],
            mode: "Complete"
        )
        let id = try await world.deployments.foresee(DeploymentWorld.path("w"), body: body, by: world.author())
        let changes = try world.deployments.foresight(id, for: world.owner)["properties"]?["changes"]?.array ?? []
        let kinds = Dictionary(
            changes.map {
                (
                    ($0["resourceId"]?.string ?? "").split(separator: "/").last.map(String.init) ?? "",
                    $0["changeType"]?.string ?? ""
                )
            },
            uniquingKeysWith: { $1 }
        )
        #expect(kinds == ["a": "NoChange", "b": "Modify", "c": "Delete", "d": "Create"])
        let delta = changes.first { $0["changeType"] == "Modify" }?["delta"]?.array
        #expect(delta?.first?["path"]?.string?.hasPrefix("tags") == true)
        #expect(
            world.resources.resource(try #require(ResourcePath("\(DeploymentWorld.network)/virtualNetworks/d"))) == nil
        )
        #expect(throws: Problem.self) { try world.deployments.foresight(id, for: world.reader) }
    }

    @Test("are validated without being made")
    func validate() async throws {
        let world = try await DeploymentWorld()
        let body = DeploymentWorld.body(["resources": [DeploymentWorld.net()]])
        let document = try await world.deployments.validate(DeploymentWorld.path(), body: body, by: world.author())
        #expect(document["properties"]?["provisioningState"] == "Succeeded")
        #expect(document["properties"]?["validatedResources"]?.array?.count == 1)
        #expect(world.resources.list(below: try #require(ResourcePath(DeploymentWorld.group))).count == 1)
    }
}

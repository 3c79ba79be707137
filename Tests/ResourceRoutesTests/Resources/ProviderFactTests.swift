import HTTPTypes
import TestKit
import Testing
import Vocabulary

@testable import ResourceRoutes

@Suite("What clients ask about providers")
struct ProviderFactTests {
    private static func below(_ path: String) throws -> String {
        let group = try #require(ResourcePath(RouteWorld.group))
        return "/subscriptions/\(try #require(group.subscription))/providers/\(path)"
    }

    @Test("what roles can allow is told with the right to sign in, which is about data")
    func operations() async throws {
        let world = try await RouteWorld()
        let path = "/providers/Microsoft.Authorization/providerOperations"
        let all = try await world.send(.get, path)
        #expect(all.document["value"]?.array?.contains { $0["name"] == "Microsoft.Network" } == true)
        let one = try await world.send(.get, "\(path)/microsoft.compute").document
        #expect(one["id"]?.string == "\(path)/Microsoft.Compute" && one["type"]?.string == String(path.dropFirst(11)))
        let machines = one["resourceTypes"]?.array?.first { $0["name"] == "virtualMachines" }
        let operations = machines?["operations"]?.array ?? []
        func isData(_ name: String) -> Bool? { operations.first { $0["name"]?.string == name }?["isDataAction"]?.bool }
        #expect(isData("Microsoft.Compute/virtualMachines/write") == false)
        #expect(isData("Microsoft.Compute/virtualMachines/start/action") == false)
        #expect(isData("Microsoft.Compute/virtualMachines/login/action") == true)
        #expect(try await world.send(.get, "\(path)/Microsoft.Nothing").code == "InvalidResourceNamespace")
    }

    @Test("there are no previews to switch on, and asking for them says so")
    func features() async throws {
        let world = try await RouteWorld()
        for path in [
            "Microsoft.Features/features", "Microsoft.Features/providers/Microsoft.Compute/features",
            "Microsoft.Features/subscriptionFeatureRegistrations",
            "Microsoft.Features/featureProviders/Microsoft.Compute/subscriptionFeatureRegistrations",
        ] {
            #expect(try await world.send(.get, try Self.below(path)).document["value"] == [])
        }
        let one = try Self.below("Microsoft.Features/providers/Microsoft.Compute/features/EncryptionAtHost")
        for (method, path) in [(HTTPRequest.Method.get, one), (.post, one + "/register")] {
            let answer = try await world.send(method, path)
            #expect(answer.status == 404 && answer.code == "FeatureNotFound")
            #expect(answer.message.contains("EncryptionAtHost"))
        }
    }

    @Test("a type that is not offered is named, whatever filter comes with it")
    func unknownType() async throws {
        let world = try await RouteWorld()
        let path = try Self.below("Microsoft.Authorization/policyAssignments?$filter=atExactScope()")
        #expect(try await world.send(.get, path).code == "InvalidResourceType")
    }

    @Test("there are no images of one's own, and none can be made")
    func images() async throws {
        let world = try await RouteWorld()
        let images = "\(RouteWorld.group)/providers/Microsoft.Compute/images"
        #expect(try await world.send(.get, images).document["value"] == [])
        #expect(try await world.send(.get, images + "/Nope").code == "ResourceNotFound")
        let made = try await world.send(.put, images + "/i", ["location": "local", "properties": [:]])
        #expect(made.code == "OperationNotAllowed")
    }

    @Test("public keys are kept under a name, and private ones are not made")
    func keys() async throws {
        let world = try await RouteWorld()
        let path = "\(RouteWorld.group)/providers/Microsoft.Compute/sshPublicKeys/k"
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA/iHSmmi5DCrifDZyp+DWbVMwM4YVzoIJeSJi8R3TBI zoe@laptop"
        let made = try await world.send(
            .put,
            path,
            ["location": "local", "properties": ["publicKey": .string(key)]]
        )
        #expect(made.status == 201)
        #expect(try await world.send(.get, path).document["properties"] == ["publicKey": .string(key)])
        let wrong: JSONValue = ["location": "local", "properties": ["publicKey": .string("command=\"id\" \(key)")]]
        #expect(try await world.send(.put, path, wrong).code == "InvalidParameter")
        #expect(try await world.send(.post, path + "/generateKeyPair").code == "OperationNotAllowed")
    }
}

import Audit
import HTTPTypes
import ResourceRoutes
import Resources
import TestKit
import Testing
import Vocabulary

@Suite("Requests for resources")
struct ResourceRequestTests {
    @Test("without a token are answered with the place to sign in")
    func unauthenticated() async throws {
        let world = try await RouteWorld()
        let answer = try await world.send(.get, RouteWorld.subscription, as: nil)
        #expect(answer.status == 401 && answer.code == "AuthenticationFailed")
        #expect(
            answer.headers[.wwwAuthenticate]?.contains("authorization_uri=\"https://localhost:8443/tenant\"") == true
        )
    }

    @Test("are not read beyond their head until it is known who sends them")
    func bodyWaits() async throws {
        let world = try await RouteWorld()
        let tooMuch = JSONValue.string(String(repeating: "a", count: 5 * 1024 * 1024))
        let path = "\(RouteWorld.group)/providers/Microsoft.Network/virtualNetworks/n"
        #expect(try await world.send(.put, path, tooMuch, as: nil).code == "AuthenticationFailed")
        #expect(try await world.send(.put, path, tooMuch).code == "RequestEntityTooLarge")
    }

    @Test(
        "need an api-version, and take any that is one",
        arguments: [
            ("", "MissingApiVersionParameter"), ("?api-version=", "MissingApiVersionParameter"),
            ("?api-version=latest", "InvalidApiVersionParameter"), ("?api-version=2099-01-01-preview", "none"),
            ("?API-Version=2015-06-15", "none"),
        ]
    )
    func versions(query: String, code: String) async throws {
        let world = try await RouteWorld()
        let answer = try await world.sendExactly(.get, RouteWorld.group + query)
        #expect((answer.code ?? "none") == code)
    }

    @Test("for an unknown machine are 404 with rights and 403 without")
    func existence() async throws {
        let world = try await RouteWorld()
        let path = "\(RouteWorld.compute)/virtualMachines/none"
        let mallory = try #require(RouteWorld.people["mallory"])
        let seen = try await world.send(.get, path, as: "dave")
        #expect(seen.status == 404 && seen.code == "ResourceNotFound")
        #expect(seen.message.contains("'Microsoft.Compute/virtualMachines/none' under resource group 'demo'"))
        try await world.declare("\(RouteWorld.subscription)/resourceGroups/other", ["location": "local"])
        try await world.assign("Reader", to: "mallory", at: "\(RouteWorld.subscription)/resourceGroups/other")
        let unseen = try await world.send(.get, path, as: "mallory")
        #expect(unseen.status == 403 && unseen.code == "AuthorizationFailed")
        #expect(
            unseen.message.hasPrefix(
                "The client 'mallory@contoso.example' with object id '\(mallory.id)' does not have "
                    + "authorization to perform action 'Microsoft.Compute/virtualMachines/read' over scope '\(path)'"
            )
        )
    }

    @Test(
        "from somebody without any role do not find the subscription, whatever they ask",
        arguments: [
            "", "/locations", "/resources", "/resourceGroups", "/resourceGroups/demo", "/providers/Microsoft.Compute",
            "/providers/Microsoft.Compute/virtualMachines", "/providers/Microsoft.Compute/locations/local/publishers",
        ]
    )
    func stranger(rest: String) async throws {
        let world = try await RouteWorld()
        let real = try await world.send(.get, RouteWorld.subscription + rest, as: "mallory")
        let none = try await world.send(
            .get,
            "/subscriptions/5a11b0a7-0000-4000-8000-00000000dead" + rest,
            as: "mallory"
        )
        #expect(real.status == 404 && real.code == "SubscriptionNotFound")
        #expect(none.status == 404 && none.code == "SubscriptionNotFound")
    }

    @Test("compare paths without regard to case and with doubled slashes")
    func spelling() async throws {
        let world = try await RouteWorld()
        let machine = try await world.machine()
        let odd = machine.replacing("/virtualMachines", with: "//VIRTUALMACHINES").replacing(
            "resourceGroups",
            with: "resourcegroups"
        )
        let answer = try await world.send(.get, odd)
        #expect(answer.status == 200 && answer.document["id"]?.string == machine)
    }

    @Test(
        "with tricks in the path reach nothing",
        arguments: [
            "%2e%2e/demo", "demo%2f..%2fother", "demo%5c..", "demo%00", "demo%252f", "..;/demo", "demo%3fx", "demo%23",
        ]
    )
    func tricks(segment: String) async throws {
        let world = try await RouteWorld()
        let answer = try await world.send(.get, "\(RouteWorld.subscription)/resourceGroups/\(segment)")
        #expect([400, 404].contains(answer.status), "\(answer.status)")
        #expect(answer.document["name"] == nil)
    }

    @Test("carry the ids that clients quote in support cases")
    func correlation() async throws {
        let world = try await RouteWorld()
        let id = "11111111-2222-4333-8444-555555555555"
        let answer = try await world.send(
            .put,
            "\(RouteWorld.subscription)/resourceGroups/new",
            ["location": "local"],
            ["x-ms-client-request-id": id, "x-ms-return-client-request-id": "true", "x-sallyport-source": "10.9.8.7"]
        )
        #expect(answer.status == 201)
        #expect(answer.headers[try #require(HTTPField.Name("x-ms-request-id"))] == id)
        #expect(answer.headers[try #require(HTTPField.Name("x-ms-client-request-id"))] == id)
        let event = try await world.audit.entries(limit: 1)[0].event
        #expect(event.correlation == id && event.source == "10.9.8.7" && event.actorName == "admin@contoso.example")
    }

    @Test("for groups make, show, test, list and remove them as the command line does")
    func groups() async throws {
        let world = try await RouteWorld()
        let path = "\(RouteWorld.subscription)/resourcegroups/new"
        let made = try await world.send(.put, path, ["location": "Local", "tags": ["a": "b"]])
        #expect(made.status == 201 && made.document["type"] == "Microsoft.Resources/resourceGroups")
        #expect(made.document["properties"]?["provisioningState"] == "Succeeded")
        #expect(made.document["location"] == "local" && made.document["tags"] == ["a": "b"])
        #expect(try await world.send(.put, path, ["location": "local"]).status == 200)
        let head = try await world.send(.head, path)
        #expect(head.status == 204 && head.bytes.isEmpty)
        let names = try await world.send(.get, "\(RouteWorld.subscription)/resourcegroups").document["value"]?.array?
            .compactMap { $0["name"]?.string }
        #expect(names == ["demo", "new"])
        #expect(try await world.send(.delete, path).status == 200)
        let gone = try await world.send(.head, path)
        #expect(gone.status == 404 && gone.bytes.isEmpty)
        #expect(try await world.send(.head, path, as: "dave").status == 403)
    }

    @Test("for accounts answer what sign-in needs")
    func accounts() async throws {
        let world = try await RouteWorld()
        let tenants = try await world.send(.get, "/tenants", as: "dave")
        #expect(tenants.document["value"]?.array?.first?["defaultDomain"] == "contoso.example")
        let subscriptions = try await world.send(.get, "/subscriptions", as: "dave").document["value"]?.array
        #expect(subscriptions?.first?["state"] == "Enabled" && subscriptions?.first?["displayName"] == "Demo")
        #expect(subscriptions?.first?["subscriptionId"]?.string.flatMap { GUID($0) } != nil)
        #expect(try await world.send(.get, "/subscriptions", as: "mallory").document["value"] == [])
        let places = try await world.send(.get, "\(RouteWorld.subscription)/locations", as: "dave")
        #expect(places.document["value"]?.array?.first?["name"] == "local")
        let provider = try await world.send(.get, "\(RouteWorld.subscription)/providers/microsoft.compute", as: "dave")
            .document
        #expect(provider["registrationState"] == "Registered")
        #expect(
            provider["resourceTypes"]?.array?.contains { $0["resourceType"] == "virtualMachines/extensions" } == true
        )
    }

    @Test("for a POST on a machine are refused with a reason, unless somebody offers it")
    func actions() async throws {
        let world = try await RouteWorld(actions: [
            "microsoft.compute/virtualmachines/restart": { request in ["name": .string(request.resource.name)] }
        ])
        let machine = try await world.machine()
        let started = try await world.send(.post, "\(machine)/start")
        #expect(started.status == 409 && started.code == "OperationNotAllowed")
        #expect(try await world.send(.post, "\(machine)/restart").document["name"] == "myVM")
        let refused = try await world.send(.post, "\(machine)/restart", as: "dave")
        #expect(refused.status == 403)
        #expect(refused.message.contains("'Microsoft.Compute/virtualMachines/restart/action'"))
    }

    @Test("with a stale version change nothing")
    func versionsOfResources() async throws {
        let world = try await RouteWorld()
        let machine = try await world.machine()
        let etag = try #require(try await world.send(.get, machine).headers[.eTag])
        let stale = try await world.send(.patch, machine, ["tags": ["a": "1"]], ["If-Match": "W/\"x\""])
        #expect(stale.status == 412 && stale.code == "PreconditionFailed")
        #expect(try await world.send(.patch, machine, ["tags": ["a": "1"]], ["If-Match": etag]).status == 200)
        let network = "\(RouteWorld.network)/virtualNetworks/net"
        let again = try await world.send(.put, network, ["location": "local"], ["If-None-Match": "*"])
        #expect(again.status == 412)
    }

    @Test("to watch an operation are answered to who began it, also when it took their last role away")
    func ownOperation() async throws {
        let world = try await RouteWorld()
        let group = "\(RouteWorld.subscription)/resourceGroups/mine"
        try await world.declare(group, ["location": "local"])
        try await world.assign("Owner", to: "mallory", at: group)
        let network = "\(group)/providers/Microsoft.Network"
        _ = try await world.send(
            .put,
            "\(network)/virtualNetworks/net",
            [
                "location": "local",
                "properties": [
                    "addressSpace": ["addressPrefixes": ["10.1.0.0/16"]],
                    "subnets": [["name": "m", "properties": ["addressPrefix": "10.1.0.0/24"]]],
                ],
            ],
            as: "mallory"
        )
        let subnet = JSONValue.string("\(network)/virtualNetworks/net/subnets/m")
        _ = try await world.send(
            .put,
            "\(network)/networkInterfaces/nic",
            [
                "location": "local",
                "properties": ["ipConfigurations": [["name": "a", "properties": ["subnet": ["id": subnet]]]]],
            ],
            as: "mallory"
        )
        let interface = JSONValue.string("\(network)/networkInterfaces/nic")
        let made = try await world.send(
            .put,
            "\(group)/providers/Microsoft.Compute/virtualMachines/vm",
            [
                "location": "local", "identity": ["type": "SystemAssigned"],
                "properties": ["networkProfile": ["networkInterfaces": [["id": interface]]]],
            ],
            as: "mallory"
        )
        #expect(made.status == 201)
        let begun = try await world.send(.delete, group, as: "mallory")
        #expect(begun.status == 202)
        await world.resources.settle()
        let poll = try begun.operation
        #expect(try await world.send(.get, poll, as: "mallory").document["status"] == "Succeeded")
        #expect(try await world.send(.get, try #require(begun.headers[.location]), as: "mallory").status == 204)
        #expect(try await world.send(.get, group, as: "mallory").code == "SubscriptionNotFound")
    }

    @Test("to remove nothing are 204, and 403 without the right")
    func removeNothing() async throws {
        let world = try await RouteWorld()
        let path = "\(RouteWorld.compute)/virtualMachines/none"
        #expect(try await world.send(.delete, path).status == 204)
        #expect(try await world.send(.delete, path, as: "dave").status == 403)
    }
}

extension RouteWorld {
    func send(_ method: HTTPRequest.Method, _ address: String, _ body: JSONValue?, _ extra: [String: String])
        async throws -> RouteAnswer
    {
        try await self.send(method, address, body, as: "admin", extra)
    }
}

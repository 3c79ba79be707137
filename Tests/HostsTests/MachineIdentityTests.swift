import AgentWire
import Testing
import Vocabulary

@testable import Hosts

@Suite("Which identity of a machine is meant")
struct MachineIdentityTests {
    private let own = GUID(high: 1, low: 1)
    private let ownClient = GUID(high: 1, low: 2)
    private let one = AssignedIdentity(path: "/A/One", principal: GUID(high: 2, low: 1), client: GUID(high: 2, low: 2))
    private let two = AssignedIdentity(path: "/A/Two", principal: GUID(high: 3, low: 1), client: GUID(high: 3, low: 2))

    private func ask(
        _ choice: IdentityChoice?,
        own: Bool = true,
        assigned: [AssignedIdentity] = []
    ) throws -> (principal: GUID?, echo: [String: String], reason: String) {
        let path = try #require(ResourcePath("/subscriptions/\(GUID.zero)/resourceGroups/g"))
        let machine = Machine(path: path, identity: own ? self.own : nil, assigned: assigned)
        switch machine.identity(chosen: choice, ownClient: own ? self.ownClient : nil) {
        case .allowed(let chosen): return (chosen.principal, chosen.echo, "")
        case .refused(let refusal): return (nil, [:], refusal.reason)
        }
    }

    @Test("none named: its own, whatever else it has")
    func unnamed() throws {
        #expect(try self.ask(nil, assigned: [self.one, self.two]).principal == self.own)
    }

    @Test("none named and none of its own: the only one given to it")
    func only() throws {
        #expect(try self.ask(nil, own: false, assigned: [self.one]).principal == self.one.principal)
    }

    @Test("none named and several given: which one must be said")
    func several() throws {
        #expect(
            try self.ask(nil, own: false, assigned: [self.one, self.two]).reason.hasPrefix("Multiple user assigned")
        )
    }

    @Test("named by application id, object id or path, and the latter two are repeated")
    func named() throws {
        let both = [self.one, self.two]
        #expect(
            try self.ask(IdentityChoice(by: .client, self.two.client.description), assigned: both).principal
                == self.two.principal
        )
        #expect(
            try self.ask(IdentityChoice(by: .client, self.ownClient.description), assigned: both).principal == self.own
        )
        let object = try self.ask(IdentityChoice(by: .object, self.one.principal.description), assigned: both)
        #expect(object.principal == self.one.principal && object.echo["object_id"] == self.one.principal.description)
        let path = try self.ask(IdentityChoice(by: .resource, "/a/ONE"), assigned: both)
        #expect(path.principal == self.one.principal && path.echo["msi_res_id"] == "/a/ONE")
    }

    @Test(
        "what is not the machine's is not found",
        arguments: [
            IdentityChoice(by: .client, "x"), IdentityChoice(by: .client, "00000000-0000-0002-0000-000000000001"),
            IdentityChoice(by: .object, "x"), IdentityChoice(by: .resource, "/a/three"),
        ]
    )
    func foreign(_ choice: IdentityChoice) throws {
        #expect(try self.ask(choice, assigned: [self.one]).reason == "Identity not found")
    }

    @Test("no identity at all is not found")
    func nobody() throws {
        #expect(try self.ask(nil, own: false).reason == "Identity not found")
    }
}

@Suite("Attested documents")
struct AttestedTextTests {
    private let compute: JSONValue = ["vmId": "v", "subscriptionId": "s", "sku": "12", "plan": ["name": "p"]]
    private let now = Instant(seconds: 1_543_370_577)

    @Test("repeats the nonce, and names the time when there is none")
    func nonce() {
        let named = InstanceMetadata.attested(self.compute, nonce: "1234567890", version: "2021-02-01", at: self.now)
        #expect(named["nonce"]?.string == "1234567890")
        let unnamed = InstanceMetadata.attested(self.compute, nonce: "", version: "2021-02-01", at: self.now)
        #expect(unnamed["nonce"]?.string == "20181128-020257")
    }

    @Test("is good for six hours, in the real service's spelling")
    func time() {
        let text = InstanceMetadata.attested(self.compute, nonce: "", version: "2021-02-01", at: self.now)
        #expect(text["timeStamp"]?["createdOn"]?.string == "11/28/18 02:02:57 -0000")
        #expect(text["timeStamp"]?["expiresOn"]?.string == "11/28/18 08:02:57 -0000")
    }

    @Test("says no more than its version knew")
    func versions() {
        let old = InstanceMetadata.attested(self.compute, nonce: "", version: "2018-10-01", at: self.now)
        #expect(old["subscriptionId"] == nil && old["sku"] == nil && old["vmId"]?.string == "v")
        let new = InstanceMetadata.attested(self.compute, nonce: "", version: "2020-09-01", at: self.now)
        #expect(
            new["subscriptionId"]?.string == "s" && new["sku"]?.string == "12" && new["plan"]?["product"]?.string == ""
        )
    }
}

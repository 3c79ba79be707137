import AccessControl
import Resources
import Synchronization
import Testing
import Vocabulary

@Suite("Sign-in extensions and identities")
struct ExtensionTests {
    private func machine(identity: Bool = true, system: String = "Linux") async throws -> (ResourceWorld, String) {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        let subnet = "\(network)/subnets/machines"
        return (
            world, try await world.machine("vm1", subnet, "10.0.0.10", identity: identity, system: system)
        )
    }

    private func body(_ type: String) -> JSONValue {
        [
            "location": "local",
            "properties": [
                "publisher": "microsoft.azure.activedirectory", "type": .string(type), "typeHandlerVersion": "1.0",
                "autoUpgradeMinorVersion": true,
            ],
        ]
    }

    private func finish(_ world: ResourceWorld, _ outcome: PutOutcome) async throws -> ResourceOperation {
        let begun = try #require(outcome.operation)
        await world.resources.settle()
        return try world.resources.operation(
            begun.id,
            in: try #require(outcome.resource.path.subscription),
            for: world.owner
        )
    }

    @Test("turn sign-in on and are ready when the machine says so")
    func installs() async throws {
        let (world, machine) = try await self.machine()
        let outcome = try await world.put("\(machine)/extensions/AADSSHLoginForLinux", self.body("aadsshloginforlinux"))
        #expect(outcome.created && outcome.operation?.status == .inProgress)
        #expect(try await self.finish(world, outcome).status == .succeeded)
        let resource = try #require(world.resources.resource(outcome.resource.path))
        #expect(resource.provisioningState == "Succeeded")
        #expect(resource.properties["publisher"] == "Microsoft.Azure.ActiveDirectory")
        #expect(resource.properties["type"] == "AADSSHLoginForLinux")
        let shown = world.resources.document(of: resource)["properties"]?["instanceView"]?["statuses"]?.array?.first
        #expect(shown?["displayStatus"] == "Provisioning succeeded")
        let again = try await world.put("\(machine)/extensions/AADSSHLoginForLinux", self.body("AADSSHLoginForLinux"))
        #expect(again.operation == nil && !again.changed)
    }

    @Test("for Windows goes onto Windows, and each of them onto its own system only")
    func windows() async throws {
        let (world, machine) = try await self.machine(system: "Windows")
        let outcome = try await world.put("\(machine)/extensions/login", self.body("aadloginforwindows"))
        #expect(try await self.finish(world, outcome).status == .succeeded)
        #expect(world.resources.resource(outcome.resource.path)?.properties["type"] == "AADLoginForWindows")
        let wrong = try await world.put("\(machine)/extensions/wrong", self.body("AADSSHLoginForLinux"))
        let problem = try await self.finish(world, wrong).problem
        #expect(problem?.shown.contains("Non-zero exit code: 51") == true)
    }

    @Test("for Windows say 1007 without an identity")
    func windowsWithoutIdentity() async throws {
        let (world, machine) = try await self.machine(identity: false, system: "Windows")
        let outcome = try await world.put("\(machine)/extensions/login", self.body("AADLoginForWindows"))
        let problem = try await self.finish(world, outcome).problem
        #expect(problem?.shown.contains("1007, exit code: -2145648574 (DSREG_E_MSI_TENANTID_UNAVAILABLE)") == true)
    }

    @Test("for Windows never worked on Linux, so taking it away switches nothing off")
    func windowsOnLinux() async throws {
        let (world, machine) = try await self.machine()
        _ = try await world.put("\(machine)/extensions/AADSSHLoginForLinux", self.body("AADSSHLoginForLinux"))
        await world.resources.settle()
        _ = try await world.put("\(machine)/extensions/wrong", self.body("AADLoginForWindows"))
        await world.resources.settle()
        _ = try await world.resources.delete(
            ResourceWorld.path("\(machine)/extensions/wrong"),
            by: .subject(world.owner)
        )
        await world.resources.settle()
        #expect(world.resources.resource(ResourceWorld.path("\(machine)/extensions/wrong")) == nil)
        #expect(!world.calls.withLock { $0.contains("disable vm1") })
    }

    @Test("fail with exit code 22 without a system-assigned identity, and can be installed again afterwards")
    func exitCode22() async throws {
        let (world, machine) = try await self.machine(identity: false)
        let path = "\(machine)/extensions/AADSSHLoginForLinux"
        let failed = try await self.finish(world, try await world.put(path, self.body("AADSSHLoginForLinux")))
        #expect(failed.status == .failed && failed.problem?.code == "VMExtensionProvisioningError")
        #expect(failed.problem?.shown.contains("exit code: 22") == true)
        let resource = try #require(world.resources.resource(ResourceWorld.path(path)))
        #expect(resource.provisioningState == "Failed")
        let shown = world.resources.document(of: resource)["properties"]?["instanceView"]?["statuses"]?.array?.first
        #expect(shown?["displayStatus"] == "Transitioning")
        #expect(!world.calls.withLock { $0 }.contains("enable vm1"))

        try await world.resources.patch(
            ResourceWorld.path(machine),
            body: ["identity": ["type": "SystemAssigned"]],
            by: .subject(world.owner)
        )
        let second = try await self.finish(world, try await world.put(path, self.body("AADSSHLoginForLinux")))
        #expect(second.status == .succeeded)
    }

    @Test("fail with exit code 23 beside their predecessor")
    func exitCode23() async throws {
        let (world, machine) = try await self.machine()
        try await world.put("\(machine)/extensions/old", self.body("AADLoginForLinux"))
        let path = "\(machine)/extensions/AADSSHLoginForLinux"
        let failed = try await self.finish(world, try await world.put(path, self.body("AADSSHLoginForLinux")))
        #expect(failed.problem?.shown.contains("exit code: 23") == true)
        _ = try await world.resources.delete(ResourceWorld.path("\(machine)/extensions/old"), by: .subject(world.owner))
        let second = try await self.finish(world, try await world.put(path, self.body("AADSSHLoginForLinux")))
        #expect(second.status == .succeeded)
    }

    @Test("fail with the machine's own words")
    func machineRefuses() async throws {
        let (world, machine) = try await self.machine()
        world.enabling.withLock { $0 = .refused(Refusal("VMAgentStatusCommunicationError", reason: "No answer.")) }
        let outcome = try await world.put("\(machine)/extensions/e", self.body("AADSSHLoginForLinux"))
        let failed = try await self.finish(world, outcome)
        #expect(failed.problem?.code == "VMAgentStatusCommunicationError")
        #expect(failed.problem?.shown.contains("No answer.") == true)
    }

    @Test("are offered for three handlers, one resource each")
    func handlers() async throws {
        let (world, machine) = try await self.machine()
        #expect(
            await world.code { try await world.put("\(machine)/extensions/e", self.body("CustomScript")) }
                == "ArtifactNotFound"
        )
        try await world.put("\(machine)/extensions/one", self.body("AADSSHLoginForLinux"))
        await world.resources.settle()
        #expect(
            await world.code { try await world.put("\(machine)/extensions/two", self.body("AADSSHLoginForLinux")) }
                == "OperationNotAllowed"
        )
        #expect(
            await world.code {
                try await world.put(
                    "\(ResourceWorld.compute)/virtualMachines/no/extensions/e",
                    self.body("AADSSHLoginForLinux")
                )
            } == "ParentResourceNotFound"
        )
    }

    @Test("turn sign-in off when they are removed")
    func removes() async throws {
        let (world, machine) = try await self.machine()
        let path = ResourceWorld.path("\(machine)/extensions/e")
        try await world.put(path.description, self.body("AADSSHLoginForLinux"))
        await world.resources.settle()
        guard case .started = try await world.resources.delete(path, by: .subject(world.owner)) else {
            Issue.record("no operation")
            return
        }
        await world.resources.settle()
        #expect(world.resources.resource(path) == nil)
        #expect(world.calls.withLock { $0 }.suffix(2) == ["enable vm1", "disable vm1"])
    }

    @Test("that were declared wait until the machine has joined")
    func declared() async throws {
        let (world, machine) = try await self.machine()
        let path = ResourceWorld.path("\(machine)/extensions/AADSSHLoginForLinux")
        try await world.resources.put(path, body: self.body("AADSSHLoginForLinux"), by: .system)
        #expect(world.resources.resource(path)?.provisioningState == "Creating")
        #expect(!world.calls.withLock { $0 }.contains("enable vm1"))
        try await world.resources.put(path, body: self.body("AADSSHLoginForLinux"), by: .system)
        world.resources.machineIsReady(ResourceWorld.path(machine))
        await world.resources.settle()
        #expect(world.resources.resource(path)?.provisioningState == "Succeeded")
        let again = try await world.resources.put(path, body: self.body("AADSSHLoginForLinux"), by: .system)
        #expect(!again.changed)
    }

    @Test("need an identity, which PATCH assigns and removes")
    func identity() async throws {
        let (world, machine) = try await self.machine(identity: false)
        let path = ResourceWorld.path(machine)
        let on = try await world.resources.patch(
            path,
            body: ["identity": ["type": "SystemAssigned"]],
            by: .subject(world.owner)
        )
        #expect(on.resource.identityPrincipal != nil && on.resource.identity?["tenantId"] != nil)
        let off = try await world.resources.patch(path, body: ["identity": ["type": "None"]], by: .subject(world.owner))
        #expect(off.resource.identity == nil)
        #expect(world.calls.withLock { $0 } == ["assign vm1", "remove vm1"])
        let user = await world.code {
            try await world.resources.patch(
                path,
                body: ["identity": ["type": "UserAssigned", "userAssignedIdentities": [:]]],
                by: .subject(world.owner)
            )
        }
        #expect(user == "InvalidIdentityIds")
    }

    @Test("and identities are not for readers")
    func readers() async throws {
        let (world, machine) = try await self.machine(identity: false)
        let code = await world.code {
            try await world.resources.patch(
                ResourceWorld.path(machine),
                body: ["identity": ["type": "SystemAssigned"]],
                by: .subject(world.reader)
            )
        }
        #expect(code == "AuthorizationFailed")
        #expect(world.calls.withLock { $0 }.isEmpty)
    }

    @Test("stop waiting when the program ends")
    func close() async throws {
        let (world, machine) = try await self.machine()
        try await world.put("\(machine)/extensions/e", self.body("AADSSHLoginForLinux"))
        await world.resources.close()
        let code = await world.code {
            _ = try await world.resources.delete(ResourceWorld.path(machine), by: .subject(world.owner))
        }
        #expect(code == "TooManyRequests")
    }
}

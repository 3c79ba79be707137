import Identity
import Testing
import Vocabulary

struct ApplicationTests {
    private func application(_ uris: [String], id: GUID = GUID(high: 2, low: 5)) -> ClientApplication {
        ClientApplication(appID: id, displayName: "Client", redirectURIs: uris, isPublic: true)
    }

    @Test("knows the Azure CLI and our own command line from the start")
    func knowsBuiltIns() async throws {
        let world = try await DirectoryWorld()
        let cli = try #require(GUID("04b07795-8ddb-461a-bbee-02f9e1bf7b46"))
        let sally = try #require(GUID("5a117000-0000-4000-8000-000000000001"))
        let known = try await world.directory.application(cli)
        #expect(known?.redirectURIs == ["http://localhost"])
        #expect(known?.isPublic == true)
        #expect(try await world.directory.application(sally) == .sally)
        #expect(try await world.directory.application(.zero) == nil)
    }

    @Test("registers an application, changes it, and does nothing the second time")
    func registers() async throws {
        let world = try await DirectoryWorld()
        let first = self.application([
            "https://app.example/callback", "http://localhost:8400", "com.example.app://done",
        ])
        #expect(try await world.directory.put(application: first).isNew)
        #expect(try await !world.directory.put(application: first).isChange)
        #expect(try await world.directory.application(first.appID) == first)
        let second = self.application(["https://app.example/other"])
        #expect(try await world.directory.put(application: second).changed == ["redirectUris"])
    }

    @Test("does not let a built-in application be taken over")
    func protectsBuiltIns() async throws {
        let world = try await DirectoryWorld()
        await #expect(throws: Problem.badRequest) {
            try await world.directory.put(
                application: self.application(["https://evil.example"], id: ClientApplication.azureCLI.appID)
            )
        }
    }

    @Test(
        "refuses redirect URIs that could lead elsewhere",
        arguments: [
            "http://app.example/", "javascript:alert(1)", "data:text/html,x", "https://", "https:/app.example",
            "https://a@b.example/", "https://*.example/", "https://app.example/#x", "http://localhost.evil.example/",
            "http://127.0.0.1.evil.example", "http://localhost@evil.example", "//app.example",
            "https://a.example/\r\nX: y",
            "https://a.example\\@b.example", "file:///etc/passwd", "",
        ]
    )
    func refusesRedirects(uri: String) async throws {
        let world = try await DirectoryWorld()
        await #expect(throws: Problem.badRequest) {
            try await world.directory.put(application: self.application([uri]))
        }
    }
}

import Federation
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Identity
import TestKit
import Testing
import Vocabulary

@testable import SignInRoutes

@Suite("Accounts of a browser")
struct AccountTests {
    @Test("offers the accounts of this browser, and takes no other")
    func accounts() async throws {
        let world = try await PageWorld()
        try await world.run { browser in
            _ = try await browser.signIn(PageWorld.authorize())
            let pick = try await browser.get(PageWorld.authorize())
            #expect(pick.text.contains("Pick an account"))
            let bob = try #require(try await world.directory.user(named: "bob@contoso.example"))
            let other = try await browser.post(
                "/signin",
                ["flow": pick.field("flow") ?? "", "action": "account:\(bob.id)"]
            )
            #expect(other.text.contains(#"id="password""#))
            let mine = try await browser.post(
                "/signin",
                ["flow": pick.field("flow") ?? "", "action": "account:\(world.alice.id)"]
            )
            #expect(mine.field("code") != nil)
        }
    }

    @Test("does not let an account be picked where the client wants a fresh sign-in")
    func freshSignIn() async throws {
        let world = try await PageWorld()
        try await world.run { browser in
            _ = try await browser.signIn(PageWorld.authorize())
            let page = try await browser.get(PageWorld.authorize(["prompt": "login"]))
            let answer = try await browser.post(
                "/signin",
                ["flow": page.field("flow") ?? "", "action": "account:\(world.alice.id)"]
            )
            #expect(answer.field("code") == nil)
            #expect(answer.text.contains(#"id="password""#))
        }
    }

    @Test("forgets a browser after a day without use, and at once after revocation")
    func sessionEnds() async throws {
        let world = try await PageWorld()
        try await world.run { browser in
            let silent = PageWorld.authorize(["prompt": "none"])
            _ = try await browser.signIn(PageWorld.authorize())
            #expect(try await browser.get(silent).field("code") != nil)
            try await world.directory.revokeSessions(world.alice.id)
            #expect(try await browser.get(silent).field("error") == "login_required")
            _ = try await browser.signIn(PageWorld.authorize())
            #expect(try await browser.get(silent).field("code") != nil)
            world.clock.turn(.seconds(86_401))
            #expect(try await browser.get(silent).field("error") == "login_required")
        }
    }

    @Test("tells the client when the person gives up")
    func cancel() async throws {
        try await PageWorld().run { browser in
            let page = try await browser.get(PageWorld.authorize())
            let answer = try await browser.post("/signin", ["flow": page.field("flow") ?? "", "action": "cancel"])
            #expect(answer.field("error") == "access_denied")
            #expect(answer.text.contains(#"action="http://localhost:41234""#))
        }
    }

    @Test("has a temporary password replaced before going on")
    func temporaryPassword() async throws {
        try await PageWorld().run { browser in
            let page = try await browser.signIn(
                PageWorld.authorize(),
                name: "bob@contoso.example",
                password: PageWorld.temporary
            )
            #expect(page.text.contains("Choose a password"))
            func replace(_ new: String, _ repeated: String) async throws -> Answer {
                try await browser.post(
                    "/signin",
                    [
                        "flow": page.field("flow") ?? "", "password": PageWorld.temporary, "new": new,
                        "repeat": repeated, "action": "password",
                    ]
                )
            }
            #expect(try await replace("Other-Meadow-88", "Other-Meadow-89").text.contains("not the same"))
            #expect(try await replace("short", "short").text.contains("8 to 256"))
            #expect(try await replace("Other-Meadow-88", "Other-Meadow-88").field("code") != nil)
            let later = try await browser.signIn(
                PageWorld.authorize(["prompt": "login"]),
                name: "bob@contoso.example",
                password: "Other-Meadow-88"
            )
            #expect(later.field("code") != nil)
        }
    }

    @Test("refuses to replace a password where no temporary one was given")
    func noTemporaryPassword() async throws {
        try await PageWorld().run { browser in
            let page = try await browser.get(PageWorld.authorize())
            let answer = try await browser.post(
                "/signin",
                [
                    "flow": page.field("flow") ?? "", "username": "bob@contoso.example",
                    "password": PageWorld.temporary,
                    "new": "Other-Meadow-88", "repeat": "Other-Meadow-88", "action": "password",
                ]
            )
            #expect(answer.status == 400)
        }
    }
}

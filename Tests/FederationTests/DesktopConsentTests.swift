import Identity
import TestKit
import Testing
import Vocabulary

@testable import Federation

@Suite("Allowing desktop connections")
struct DesktopConsentTests {
    @Test("asks the first time and not again for thirty days")
    func once() async throws {
        let desktop = try await DesktopWorld()
        let (reply, browser) = try await desktop.signIn()
        guard case .page(.allowDesktop(let page), 200) = reply.outcome else {
            throw Unexpected(what: "\(reply.outcome)")
        }
        #expect(page.hostName == "vm1")
        #expect(page.name == "Alice@contoso.example")
        #expect(page.machine == (try DesktopWorld.theMachine().description))
        #expect(page.target == "https://sally.example:8443")
        let yes = await desktop.answer(.confirm, flow: page.flow, browser: browser)
        #expect(!(try DesktopWorld.code(in: yes)).isEmpty)
        // Signed in already: straight to the code.
        #expect(!(try DesktopWorld.code(in: await desktop.authorize(browser: browser))).isEmpty)
        desktop.world.clock.turn(.seconds(30 * 86_400))
        let later = try await desktop.signIn().reply
        guard case .page(.allowDesktop, _) = later.outcome else { throw Unexpected(what: "\(later.outcome)") }
    }

    @Test("takes no for an answer, and remembers nothing of it")
    func declined() async throws {
        let desktop = try await DesktopWorld()
        let (reply, browser) = try await desktop.signIn()
        guard case .page(.allowDesktop(let page), _) = reply.outcome else { throw Unexpected(what: "\(reply.outcome)") }
        let no = await desktop.answer(.cancel, flow: page.flow, browser: browser)
        guard case .redirect(let target) = no.outcome else { throw Unexpected(what: "\(no.outcome)") }
        #expect(target.hasPrefix(DesktopWorld.redirect + "?error=access_denied"))
        let after = await desktop.answer(.confirm, flow: page.flow, browser: browser)
        guard case .page(.failure(let error), _) = after.outcome else { throw Unexpected(what: "\(after.outcome)") }
        #expect(error.code == 50089)
        guard case .page(.allowDesktop, _) = await desktop.authorize(browser: browser).outcome else {
            throw Unexpected(what: "not asked again")
        }
    }

    @Test("accepts no yes before the sign-in, and none from another browser")
    func forged() async throws {
        let desktop = try await DesktopWorld()
        let first = await desktop.authorize()
        guard case .page(.credentials(let page), _) = first.outcome else { throw Unexpected(what: "\(first.outcome)") }
        let early = await desktop.answer(.confirm, flow: page.flow, browser: first.browser?.withValue { $0 })
        guard case .page(.failure, _) = early.outcome else { throw Unexpected(what: "\(early.outcome)") }
        let (reply, _) = try await desktop.signIn()
        guard case .page(.allowDesktop(let asked), _) = reply.outcome else {
            throw Unexpected(what: "\(reply.outcome)")
        }
        let foreign = await desktop.answer(.confirm, flow: asked.flow, browser: first.browser?.withValue { $0 })
        guard case .page(.failure, _) = foreign.outcome else { throw Unexpected(what: "\(foreign.outcome)") }
    }

    @Test("asks anew when the client wants it, and tells a silent client that it would have to")
    func prompts() async throws {
        let desktop = try await DesktopWorld()
        let (reply, browser) = try await desktop.signIn()
        let silent = await desktop.authorize(["prompt": "none"], browser: browser)
        guard case .redirect(let target) = silent.outcome else { throw Unexpected(what: "\(silent.outcome)") }
        #expect(target.contains("AADSTS65001"))
        guard case .page(.allowDesktop(let page), _) = reply.outcome else { throw Unexpected(what: "\(reply.outcome)") }
        _ = await desktop.answer(.confirm, flow: page.flow, browser: browser)
        _ = try DesktopWorld.code(in: await desktop.authorize(["prompt": "none"], browser: browser))
        guard case .page(.allowDesktop, _) = await desktop.authorize(["prompt": "consent"], browser: browser).outcome
        else { throw Unexpected(what: "not asked") }
    }

    @Test("says on a page that a machine is not there, and gives no code")
    func unknown() async throws {
        let desktop = try await DesktopWorld()
        let reply = try await desktop.signIn(["scope": DesktopWorld.scope("elsewhere")]).reply
        guard case .page(.failure(let error), 400) = reply.outcome else { throw Unexpected(what: "\(reply.outcome)") }
        #expect(error.sentence == "AADSTS293004: The target device 'elsewhere' was not found.")
    }

    @Test("keeps a browser's sign-ins when there is no desktop for the last of them")
    func keepsBrowser() async throws {
        let desktop = try await DesktopWorld()
        let (_, browser) = try await desktop.signIn(["scope": DesktopWorld.scope("elsewhere")])
        #expect(try await desktop.world.federation.accounts(browser: browser).count == 1)
    }

    @Test("remembers the fifteen newest machines of each person, and each machine by its own name")
    func bounded() async throws {
        let desktop = try await DesktopWorld()
        let consents = desktop.world.federation.desktopConsents
        let machine = try DesktopWorld.theMachine()
        let joining = GUID(high: 7, low: 7)
        let (alice, bob) = (desktop.world.alice.id, SignInWorld.robot)
        try await consents.remember(DesktopHost(machine: machine, hostName: "many0", enrolment: joining), of: bob)
        for number in 0..<20 {
            desktop.world.clock.turn(.seconds(1))
            try await consents.remember(
                DesktopHost(machine: machine, hostName: "many\(number)", enrolment: joining),
                of: alice
            )
        }
        for number in 0..<20 {
            let host = DesktopHost(machine: machine, hostName: "MANY\(number)", enrolment: joining)
            #expect(try await consents.isRemembered(host, of: alice) == (number >= 5))
        }
        #expect(
            try await consents.isRemembered(
                DesktopHost(machine: machine, hostName: "many0", enrolment: joining),
                of: bob
            )
        )
        let other = DesktopHost(machine: try #require(machine.parent), hostName: "many19", enrolment: joining)
        #expect(try await !consents.isRemembered(other, of: alice))
        let anew = DesktopHost(machine: machine, hostName: "many19", enrolment: GUID(high: 7, low: 8))
        #expect(try await !consents.isRemembered(anew, of: alice))
    }

    @Test("a machine that was made anew under the same path and name is asked about again")
    func madeAnew() async throws {
        let desktop = try await DesktopWorld()
        let (reply, browser) = try await desktop.signIn()
        guard case .page(.allowDesktop(let page), _) = reply.outcome else { throw Unexpected(what: "\(reply.outcome)") }
        _ = await desktop.answer(.confirm, flow: page.flow, browser: browser)
        desktop.place.withLock { $0.1 = GUID(high: 1, low: 2) }
        guard case .page(.allowDesktop, _) = await desktop.authorize(browser: browser).outcome else {
            throw Unexpected(what: "not asked again")
        }
    }

    @Test("a yes to one machine is none to another that took its name while the page was open")
    func renamedMeanwhile() async throws {
        let desktop = try await DesktopWorld()
        let (reply, browser) = try await desktop.signIn()
        guard case .page(.allowDesktop(let page), _) = reply.outcome else { throw Unexpected(what: "\(reply.outcome)") }
        let other = try DesktopWorld.theMachine().parent?.appending("virtualMachines", "two")
        desktop.place.withLock { $0 = (other, GUID(high: 1, low: 2)) }
        let again = await desktop.answer(.confirm, flow: page.flow, browser: browser)
        guard case .page(.allowDesktop(let second), _) = again.outcome else {
            throw Unexpected(what: "\(again.outcome)")
        }
        #expect(second.machine == other?.description && second.machine != page.machine)
        // Now it has been read.
        _ = try DesktopWorld.code(in: await desktop.answer(.confirm, flow: second.flow, browser: browser))
    }

    @Test("a token that was bought for one machine opens no other that takes its name, nor the next of its path")
    func tokenOfAnother() async throws {
        let desktop = try await DesktopWorld()
        let token = try await desktop.token()
        #expect(try await desktop.refusal(desktop.assertion(token)) == nil)
        desktop.place.withLock { $0.1 = GUID(high: 1, low: 2) }
        #expect(try await desktop.refusal(desktop.assertion(token))?.code == "DesktopTokenNotValid")
        let other = try DesktopWorld.theMachine().parent?.appending("virtualMachines", "two")
        desktop.place.withLock { $0 = (other, GUID(high: 1, low: 1)) }
        #expect(try await desktop.refusal(desktop.assertion(token))?.code == "DesktopTokenNotValid")
    }
}

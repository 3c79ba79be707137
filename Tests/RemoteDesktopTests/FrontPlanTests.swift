import NIOSSL
import RDPWire
import RemoteDesktop
import Testing
import Vocabulary

@Suite("Plans of the front")
struct FrontPlanTests {
    @Test("carry the refusal of whoever prepares them")
    func refusal() async throws {
        let plan = FrontPlan(
            signIn: .passwordless,
            hostName: "desk",
            certificate: try NIOSSLContext(configuration: .clientDefault),
            pinned: nil,
            channels: .open
        ) { _ in .refused(Refusal("NoRole", reason: "No.")) }
        guard case .refused(let refusal) = await plan.prepare(.admitted) else { throw CancellationError() }
        #expect(refusal.code == "NoRole")
    }
}

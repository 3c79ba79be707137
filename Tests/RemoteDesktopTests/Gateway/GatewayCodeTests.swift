@testable import RemoteDesktop
import RDPWire
import Testing
import Tunnel
import WebSocketWire

@Suite("GatewayCode")
struct GatewayCodeTests {
    @Test(
        "says of which kind an end was, as clients put it into words",
        arguments: [
            (.targetClosed, .disconnected), (.tooOld, .timedOut), (.serverStopping, .aborted),
            (.ordered(.policyViolation, reason: "No role."), .personDenied),
            (.ordered(.badGateway, reason: "No answer."), .targetUnreachable),
            (.ordered(.internalError, reason: "Broken."), .internalError),
        ] as [(TunnelEnd, GatewayCode)]
    )
    func ends(end: TunnelEnd, code: GatewayCode) {
        #expect(GatewayCode(end) == code)
    }
}

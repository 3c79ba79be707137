import RDPWire
import Tunnel
import WebSocketWire

extension GatewayCode {
    /// What a client hears about the end of a session that was open.
    init(_ end: TunnelEnd) {
        self =
            switch end {
            case .clientClosed, .clientLost, .targetClosed: .disconnected
            case .idle, .tooOld: .timedOut
            case .ordered(.policyViolation, _): .personDenied
            case .ordered(.badGateway, _): .targetUnreachable
            case .ordered: .internalError
            case .clientMisbehaved, .targetLost, .serverStopping: .aborted
            }
    }
}

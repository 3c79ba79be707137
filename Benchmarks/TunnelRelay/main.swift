import Edge
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import Tunnel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Joins every WebSocket to one fixed backend, on the way that a real tunnel takes.
struct FixedBackend: UpgradeAcceptor {
    let port: Int

    func answer(_ request: UpgradeRequest, on eventLoop: any EventLoop) -> EventLoopFuture<UpgradeAnswer> {
        guard request.path == "/tunnel" else { return eventLoop.makeSucceededFuture(.notMine) }
        return ClientBootstrap(group: eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: self.port)
            .map { target in
                let tunnel = Tunnel(target: target)
                return .accept { tunnel.join($0) }
            }
    }
}

let arguments = CommandLine.arguments
guard arguments.count == 5, let port = Int(arguments[1]), let backend = Int(arguments[2]) else {
    print("usage: tunnel-relay <port> <backend port> <certificate.pem> <key.pem>")
    exit(64)
}
let certificate = try ServerCertificate(
    certificateChainPEM: String(decoding: try Data(contentsOf: URL(fileURLWithPath: arguments[3])), as: UTF8.self),
    privateKeyPEM: String(decoding: try Data(contentsOf: URL(fileURLWithPath: arguments[4])), as: UTF8.self)
)
let router = Router()
router.get("hello") { _, _ in "hello" }
var logger = Logger(label: "tunnel-relay")
logger.logLevel = .error
let application = Application(
    router: router,
    server: .sallyportEdge(certificate: certificate, acceptors: [FixedBackend(port: backend)]),
    configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)),
    // One loop: the comparison is with one nginx worker.
    eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup(numberOfThreads: 1)),
    logger: logger
)
try await application.runService()

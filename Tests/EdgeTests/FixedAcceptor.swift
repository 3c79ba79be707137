import Edge
import NIOCore
import NIOSSL
import Synchronization

/// Answers every request the same way.
struct FixedAcceptor: UpgradeAcceptor {
    let answer: UpgradeAnswer

    init(_ answer: UpgradeAnswer) {
        self.answer = answer
    }

    func answer(_ request: UpgradeRequest, on eventLoop: any EventLoop) -> EventLoopFuture<UpgradeAnswer> {
        eventLoop.makeSucceededFuture(self.answer)
    }
}

/// Answers with what a closure returns.
struct ClosureAcceptor: UpgradeAcceptor {
    let body: @Sendable (UpgradeRequest, any EventLoop) -> EventLoopFuture<UpgradeAnswer>

    func answer(_ request: UpgradeRequest, on eventLoop: any EventLoop) -> EventLoopFuture<UpgradeAnswer> {
        self.body(request, eventLoop)
    }
}

extension RawClient {
    /// The bytes of the certificate that the server showed.
    func peerSerial() async throws -> [UInt8] {
        try await self.channel.nioSSL_peerCertificate().get()?.toDERBytes() ?? []
    }
}

import AgentWire
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One question from a module and its answer, on one connection of the local socket.
final class LocalConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long a connection may last: longer than the modules' own patience.
    static let longestLife: TimeAmount = .seconds(12)

    private let desk: LocalDesk
    private let guests: LocalGuests
    private var asker: LocalDesk.Asker?
    private var received = ByteBuffer()
    private var hasAsked = false
    private var deadline: Scheduled<Void>?

    init(desk: LocalDesk, guests: LocalGuests) {
        self.desk = desk
        self.guests = guests
    }

    func channelActive(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.deadline = context.eventLoop.scheduleTask(in: Self.longestLife) {
            bound.value.close(promise: nil)
        }
        self.meet(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.deadline?.cancel()
        if let asker { self.guests.leave(asker.uid) }
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        guard !self.hasAsked else { return context.close(promise: nil) }
        self.received.writeBuffer(&bytes)
        do throws(AgentWireError) {
            guard
                let length = try LocalFrame.length(
                    of: self.received.readableBytesView,
                    limit: LocalFrame.longestRequest
                ),
                self.received.readableBytes >= 4 + length
            else { return }
            guard let asker = self.asker else { return }
            self.hasAsked = true
            var content = Array(self.received.readableBytesView.dropFirst(4).prefix(length))
            // It may hold a password.
            defer {
                content.withUnsafeMutableBytes { Self.wipe($0) }
                self.received.withUnsafeMutableReadableBytes { Self.wipe($0) }
            }
            self.answer(try LocalRequest.decode(content), asker, context)
        } catch {
            context.close(promise: nil)
        }
    }

    private static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
        for index in bytes.indices { bytes[index] = 0 }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// Learns who is at the other end, and turns away whoever has too many connections already.
    private func meet(_ context: ChannelHandlerContext) {
        guard let provider = context.channel as? any SocketOptionProvider else { return context.close(promise: nil) }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let credentials: EventLoopFuture<PeerCredentials> = provider.unsafeGetSocketOption(
            level: .socket,
            name: .init(rawValue: SO_PEERCRED)
        )
        credentials.whenComplete { result in
            let (handler, context) = bound.value
            guard case .success(let credentials) = result, context.channel.isActive,
                handler.guests.enter(credentials.uid)
            else { return context.close(promise: nil) }
            handler.asker = LocalDesk.Asker(pid: credentials.pid, uid: credentials.uid)
        }
    }

    private func answer(_ request: LocalRequest, _ asker: LocalDesk.Asker, _ context: ChannelHandlerContext) {
        if let reply = self.desk.immediately(request, from: asker) { return self.send(reply, context) }
        let desk = self.desk
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.makeFutureWithTask { await desk.eventually(request, from: asker) }
            .whenComplete { result in
                let (handler, context) = bound.value
                handler.send((try? result.get()) ?? .unavailable, context)
            }
    }

    private func send(_ reply: LocalReply, _ context: ChannelHandlerContext) {
        guard context.channel.isActive, let frame = (try? reply.encoded()) ?? (try? LocalReply.unavailable.encoded())
        else { return context.close(promise: nil) }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: frame))).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }
}

/// What the kernel says about the other end of a local socket: the layout of `struct ucred`, which the C library's module does not show.
/// Source: unix(7), SO_PEERCRED.
private struct PeerCredentials {
    var pid: Int32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
}

import NIOCore
import Vocabulary

/// A proxy that connects to servers for programs that cannot do so themselves. Source: RFC 9110 section 9.3.6 (CONNECT).
public struct HTTPProxy: Sendable {
    /// Where the proxy is; spoken to without TLS.
    public let address: ServerAddress
    /// User name and password as they stand in the proxy's URL.
    let credentials: Secret<[UInt8]>?

    /// Reads `http://[user:password@]host:port`.
    public init(_ text: String) throws(TransportError) {
        guard let mark = text.firstIndex(of: "/" as Character), text.lowercased().hasPrefix("http://") else {
            throw .badAddress(text)
        }
        var rest = text[mark...].dropFirst(2)
        if let at = rest.lastIndex(of: "@" as Character) {
            self.credentials = Secret(Array(rest[..<at].utf8))
            rest = rest[rest.index(after: at)...]
        } else {
            self.credentials = nil
        }
        self.address = try ServerAddress("http://" + rest)
    }

    /// The proxy that environment variables name for a server: `https_proxy` or `http_proxy`, unless `no_proxy` excepts the server.
    ///
    /// This computer itself is always excepted: a proxy's own loopback address is another computer.
    public static func named(
        by environment: (String) -> String?,
        for server: ServerAddress
    ) throws(TransportError) -> HTTPProxy? {
        let names = server.isSecure ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy"]
        guard let text = names.compactMap({ environment($0) }).first(where: { !$0.isEmpty }) else { return nil }
        let exceptions = environment("no_proxy") ?? environment("NO_PROXY") ?? ""
        let host = server.host.lowercased()
        if host == "localhost" || host == "::1" || (host.hasPrefix("127.") && Dialler.isIPAddress(host)) { return nil }
        for word in exceptions.split(whereSeparator: { $0 == "," || $0 == " " }) {
            let exception = word.lowercased().drop { $0 == "." || $0 == "*" }
            if word == "*" || host == exception || host.hasSuffix("." + exception) { return nil }
        }
        return try HTTPProxy(text)
    }

    /// The request that asks for a connection.
    func request(for target: ServerAddress) -> String {
        let name = target.host.contains(":" as Character) ? "[\(target.host)]" : target.host
        var lines = ["CONNECT \(name):\(target.port) HTTP/1.1", "Host: \(name):\(target.port)"]
        self.credentials?.withValue { bytes in
            lines.append("Proxy-Authorization: Basic \(Base64.encode(bytes))")
        }
        return lines.map { $0 + "\r\n" }.joined() + "\r\n"
    }
}

/// Asks the proxy for a connection and keeps everything back until it has one.
final class ProxyHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let largestHead = 16 << 10

    private let request: String
    private var received = ByteBuffer()
    private var isOver = false
    private var held: [(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)] = []

    init(_ proxy: HTTPProxy, target: ServerAddress) {
        self.request = proxy.request(for: target)
    }

    func channelActive(context: ChannelHandlerContext) {
        // The handlers above learn that the channel is active when it leads to the server.
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: self.request)), promise: nil)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.dropHeld()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.dropHeld()
        context.fireChannelInactive()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !self.isOver else { return context.write(data, promise: promise) }
        self.held.append((self.unwrapOutboundIn(data), promise))
    }

    private func dropHeld() {
        let held = self.held
        self.held = []
        for (_, promise) in held { promise?.fail(TransportError.closed) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isOver else { return context.fireChannelRead(data) }
        var bytes = self.unwrapInboundIn(data)
        self.received.writeBuffer(&bytes)
        let view = self.received.readableBytesView
        guard let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else {
            if view.count > Self.largestHead { self.fail(context, "an endless head") }
            return
        }
        let line = String(decoding: view.prefix { $0 != 13 }, as: UTF8.self)
        let words = line.split(separator: " " as Character)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].hasPrefix("2"), words[1].count == 3 else {
            return self.fail(context, "the proxy answers: \(PrintableText.of(line, limit: 200))")
        }
        self.isOver = true
        self.received.moveReaderIndex(to: end.upperBound)
        let held = self.held
        self.held = []
        for (bytes, promise) in held { context.write(self.wrapOutboundOut(bytes), promise: promise) }
        context.flush()
        context.fireChannelActive()
        if self.received.readableBytes > 0 { context.fireChannelRead(self.wrapInboundOut(self.received)) }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func fail(_ context: ChannelHandlerContext, _ detail: String) {
        self.isOver = true
        context.fireErrorCaught(TransportError.unreachable(detail))
        context.close(promise: nil)
    }
}

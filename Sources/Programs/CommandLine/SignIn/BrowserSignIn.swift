import Client
import Crypto
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix
import Vocabulary

/// Signs in with a browser on this computer: authorization code with PKCE, posted to a loopback port. Source: RFC 8252, RFC 7636.
struct BrowserSignIn {
    let tokens: TokenClient
    let base: String

    /// Opens the browser and waits at most ten minutes for its answer.
    func run(authority: String, scope: String, prompt: String) async throws -> TokenClient.Tokens {
        let verifier = RandomSource.system.token()
        let state = RandomSource.system.token(bytes: 16)
        let listener = LoopbackListener(state: state)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(LoopbackHandler(listener: listener))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        defer { server.close(promise: nil) }
        let redirect = "http://localhost:\(server.localAddress?.port ?? 0)"
        let query = FormFields.encode([
            ("client_id", TokenClient.clientID), ("response_type", "code"), ("response_mode", "form_post"),
            ("redirect_uri", redirect), ("scope", scope), ("state", state), ("prompt", prompt),
            ("code_challenge", Base64URL.encode(SHA256.hash(data: Data(verifier.utf8)))),
            ("code_challenge_method", "S256"), ("client_info", "1"), ("nonce", RandomSource.system.token(bytes: 16)),
        ])
        let url = "\(self.base)/\(PercentEncoding.encode(authority))/oauth2/v2.0/authorize?\(query)"
        Output.note("A browser window opens for the sign-in. If it does not, open this address:\n\(url)")
        Self.openBrowser(url)
        let code = try await listener.code(deadline: .seconds(600))
        return try await self.tokens.tokens(
            authority: authority,
            form: [
                ("client_id", TokenClient.clientID), ("grant_type", "authorization_code"), ("code", code),
                ("redirect_uri", redirect), ("code_verifier", verifier), ("scope", scope), ("client_info", "1"),
            ]
        )
    }

    private static func openBrowser(_ url: String) {
        #if os(macOS)
            ChildProcess.start("/usr/bin/open", [url])
        #else
            ChildProcess.start("/usr/bin/xdg-open", [url])
        #endif
    }
}

/// What the browser brought back, handed from the event loop to the task that waits.
final class LoopbackListener: Sendable {
    let state: String
    private let stream: AsyncThrowingStream<String, any Error>
    private let continuation: AsyncThrowingStream<String, any Error>.Continuation

    init(state: String) {
        self.state = state
        (self.stream, self.continuation) = AsyncThrowingStream.makeStream(bufferingPolicy: .bufferingOldest(1))
    }

    /// Takes a posted form; whether it was the answer waited for. A form with another `state` is ignored.
    func receive(_ form: [String: String]) -> Bool {
        guard let state = form["state"], ConstantTime.equal(Array(state.utf8), Array(self.state.utf8)) else {
            return false
        }
        if let code = form["code"] {
            self.continuation.yield(code)
            self.continuation.finish()
        } else {
            self.continuation.finish(
                throwing: Problem(
                    PrintableText.of(form["error"] ?? "access_denied"),
                    shown: PrintableText.of(form["error_description"] ?? "The sign-in was refused.", limit: 1000)
                )
            )
        }
        return true
    }

    func code(deadline: Duration) async throws -> String {
        try await withThrowingTaskGroup(of: String.self) { group in
            group.addTask {
                for try await code in self.stream { return code }
                throw CancellationError()
            }
            group.addTask {
                try await Task.sleep(for: deadline)
                throw Problem("Timeout", shown: "Nobody finished the sign-in in the browser.")
            }
            defer { group.cancelAll() }
            guard let code = try await group.next() else { throw CancellationError() }
            return code
        }
    }
}

/// Answers the browser on the loopback port.
private final class LoopbackHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let listener: LoopbackListener
    private var isPost = false
    private var body = ByteBuffer()

    init(listener: LoopbackListener) {
        self.listener = listener
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.isPost = head.method == .POST
            self.body = ByteBuffer()
        case .body(var part):
            self.body.writeBuffer(&part)
            if self.body.readableBytes > 65_536 { context.close(promise: nil) }
        case .end:
            let form = FormFields(self.body.readableBytesView)?.values ?? [:]
            let accepted = self.isPost && self.listener.receive(form)
            let sentence =
                switch (accepted, form["code"] != nil) {
                case (false, _): "Nothing to see here."
                case (true, true): "You may close this window and return to the terminal."
                case (true, false): "The sign-in was refused. The terminal says why; you may close this window."
                }
            let text = "<!doctype html><html lang=\"en\"><title>sally</title><p>\(sentence)"
            var headers = HTTPHeaders()
            headers.add(name: "Content-Type", value: "text/html; charset=utf-8")
            headers.add(name: "Content-Length", value: String(text.utf8.count))
            headers.add(name: "Connection", value: "close")
            headers.add(name: "Cache-Control", value: "no-store")
            let head = HTTPResponseHead(version: .http1_1, status: accepted ? .ok : .badRequest, headers: headers)
            context.write(self.wrapOutboundOut(.head(head)), promise: nil)
            context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
            let channel = context.channel
            context.writeAndFlush(self.wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
        }
    }
}

import NIOCore
import NIOPosix
import Vocabulary

/// Turns names into addresses with `/etc/hosts` and the name servers of `/etc/resolv.conf`. Sources: hosts(5), resolv.conf(5), RFC 1035.
struct OwnResolver {
    let group: any EventLoopGroup

    /// The addresses of a host, IPv4 first; throws `unknownHost` when there are none.
    func addresses(_ host: String, _ port: Int, deadline: Duration) async throws(TransportError) -> [SocketAddress] {
        let name = host.lowercased()
        let local = Self.hosts(SystemText.read("/etc/hosts"), name).compactMap {
            try? SocketAddress(ipAddress: $0, port: port)
        }
        if !local.isEmpty { return local }
        if name == "localhost" || name.hasSuffix(".localhost") {
            return ["127.0.0.1", "::1"].compactMap { try? SocketAddress(ipAddress: $0, port: port) }
        }
        let configuration = ResolverConfiguration(SystemText.read("/etc/resolv.conf"))
        let patience = max(.milliseconds(200), min(.seconds(3), deadline / max(1, configuration.servers.count * 2)))
        for candidate in configuration.candidates(for: name) {
            for server in configuration.servers {
                guard let target = try? SocketAddress(ipAddress: server, port: 53) else { continue }
                var found: [SocketAddress] = []
                for type in [DNSQuestion.Kind.address, .longAddress] {
                    let id = UInt16.random(in: 0...UInt16.max)
                    guard let question = DNSQuestion(id: id, name: candidate, kind: type),
                        let answer = await self.ask(question, target, patience)
                    else { continue }
                    found += answer.compactMap {
                        try? SocketAddress(packedIPAddress: ByteBuffer(bytes: $0), port: port)
                    }
                }
                if !found.isEmpty { return found }
            }
        }
        throw .unknownHost(host)
    }

    /// The addresses that a hosts file gives to a name.
    static func hosts(_ text: String, _ name: String) -> [String] {
        text.split(separator: "\n" as Character).compactMap { line in
            let words = line.prefix { $0 != "#" }.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count >= 2, words.dropFirst().contains(where: { $0.lowercased() == name }) else { return nil }
            return String(words[0])
        }
    }

    private func ask(_ question: DNSQuestion, _ server: SocketAddress, _ patience: Duration) async -> [[UInt8]]? {
        let loop = self.group.next()
        let promise = loop.makePromise(of: [[UInt8]].self)
        do {
            let channel = try await DatagramBootstrap(group: loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AnswerReader(question, promise))
                    }
                }
                .connect(to: server)
                .get()
            let timer = loop.scheduleTask(in: .milliseconds(patience.milliseconds)) {
                promise.fail(TransportError.tooLate)
            }
            try await channel.writeAndFlush(
                AddressedEnvelope(remoteAddress: server, data: ByteBuffer(bytes: question.bytes))
            )
            let result = try? await promise.futureResult.get()
            timer.cancel()
            try? await channel.close()
            return result
        } catch {
            promise.fail(error)
            return nil
        }
    }
}

/// Waits for the answer to one question; anything else that arrives is passed over.
private final class AnswerReader: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let question: DNSQuestion
    private let promise: EventLoopPromise<[[UInt8]]>

    init(_ question: DNSQuestion, _ promise: EventLoopPromise<[[UInt8]]>) {
        self.question = question
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Array(self.unwrapInboundIn(data).data.readableBytesView)
        if let addresses = self.question.addresses(inAnswer: bytes) { self.promise.succeed(addresses) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.promise.fail(error)
    }
}

/// What `resolv.conf` says.
struct ResolverConfiguration: Hashable, Sendable {
    private(set) var servers: [String] = []
    private var searches: [String] = []

    init(_ text: String) {
        for line in text.split(separator: "\n" as Character) {
            let words = line.prefix { $0 != "#" && $0 != ";" }.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count >= 2 else { continue }
            switch words[0] {
            case "nameserver" where self.servers.count < 3: self.servers.append(String(words[1]))
            case "search", "domain": self.searches = words.dropFirst().prefix(6).map { $0.lowercased() }
            default: continue
            }
        }
        if self.servers.isEmpty { self.servers = ["127.0.0.1"] }
    }

    /// The full names to try for a name, in order.
    func candidates(for name: String) -> [String] {
        if name.hasSuffix(".") { return [String(name.dropLast())] }
        let longer = self.searches.map { "\(name).\($0)" }
        return name.contains("." as Character) ? [name] + longer : longer + [name]
    }
}

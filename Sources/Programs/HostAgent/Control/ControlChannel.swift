import AgentWire
import Client
import Logging
import NIOCore
import Synchronization
import Vocabulary

/// The one connection to the server, made from the host outwards and made again, with jitter, whenever it is lost.
///
/// Losing it ends nothing on the host. Answers go to whoever asked; everything else goes to `received`, in order.
final class ControlChannel: Sendable {
    private struct State {
        var connection: WebSocketConnection?
        var nextID: Int64 = 1
        var waiting: [Int64: EventLoopPromise<JSONValue>] = [:]
    }

    /// How many questions may wait for their answers.
    private static let mostWaiting = 256

    private let state = Mutex(State())
    private let server: HostServer
    private let path: String
    private let group: any EventLoopGroup
    private let log: Logger

    init(server: HostServer, path: String, group: any EventLoopGroup, log: Logger) {
        self.server = server
        self.path = path
        self.group = group
        self.log = log
    }

    /// Whether there is a connection now.
    var isConnected: Bool { self.state.withLock { $0.connection != nil } }

    /// Keeps the connection until the task is cancelled.
    func run(
        connected: @Sendable () async -> Void,
        received: @Sendable (ServerMessage) async -> Void
    ) async {
        var pause = ReconnectPause()
        while !Task.isCancelled {
            let began = ContinuousClock.now
            do {
                try await self.serve(connected: connected, received: received)
                self.log.notice("control channel closed")
            } catch {
                self.log.notice("no control channel", metadata: ["because": "\(error)"])
            }
            self.abandon()
            if began.duration(to: .now) > .seconds(60) { pause = ReconnectPause() }
            try? await Task.sleep(for: pause.next(random: .system))
        }
    }

    private func serve(
        connected: @Sendable () async -> Void,
        received: @Sendable (ServerMessage) async -> Void
    ) async throws {
        let proof = try self.server.identity.authorization(
            host: self.server.hostId,
            method: "GET",
            path: self.path,
            at: self.server.time.now
        )
        let connection = try await WebSocketConnection.open(
            self.path,
            headers: [proof],
            by: self.server.dialler,
            longestMessage: ControlObject.longestFrame
        )
        self.state.withLock { $0.connection = connection }
        self.log.notice("control channel open", metadata: ["server": "\(self.server.dialler.address)"])
        do {
            try await withTaskCancellationHandler {
                // Beside the reading, because what is sent first is a question whose answer has to be read.
                async let greeting: Void = connected()
                for try await message in connection.messages {
                    guard case .text(let text) = message else { continue }
                    await self.handle(text, received)
                }
                self.abandon()
                await greeting
            } onCancel: {
                self.abandon()
            }
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }

    private func handle(_ text: String, _ received: @Sendable (ServerMessage) async -> Void) async {
        do throws(AgentWireError) {
            switch try ServerMessage.decode(text.utf8) {
            case .reply(let id, let content): self.take(id)?.succeed(content)
            case .failure(let id, let code, let message):
                self.take(id)?.fail(
                    HostAgentError.server(code: PrintableText.of(code, limit: 64), message: PrintableText.of(message))
                )
            case let message: await received(message)
            }
        } catch {
            self.log.warning("a message that makes no sense", metadata: ["because": "\(error)"])
        }
    }

    /// Asks the server and waits for its answer.
    func ask(_ message: AgentMessage, deadline: Duration) async throws(HostAgentError) -> JSONValue {
        let promise = self.group.next().makePromise(of: JSONValue.self)
        let prepared: (id: Int64, connection: WebSocketConnection)? = self.state.withLock { state in
            guard let connection = state.connection, state.waiting.count < Self.mostWaiting else { return nil }
            let id = state.nextID
            state.nextID += 1
            state.waiting[id] = promise
            return (id, connection)
        }
        guard let prepared else {
            promise.fail(HostAgentError.notConnected)
            throw .notConnected
        }
        let timer = promise.futureResult.eventLoop.scheduleTask(in: .milliseconds(deadline.milliseconds)) {
            self.take(prepared.id)?.fail(HostAgentError.tooLate)
        }
        do {
            let text = String(decoding: try message.encoded(id: prepared.id), as: UTF8.self)
            try await prepared.connection.send(text: text)
        } catch {
            self.take(prepared.id)?.fail(HostAgentError.notConnected)
        }
        do {
            let answer = try await promise.futureResult.get()
            timer.cancel()
            return answer
        } catch {
            timer.cancel()
            throw error as? HostAgentError ?? .notConnected
        }
    }

    /// Tells the server something, if there is a connection.
    func tell(_ message: AgentMessage) async {
        guard let connection = self.state.withLock({ $0.connection }), let frame = try? message.encoded() else {
            return
        }
        try? await connection.send(text: String(decoding: frame, as: UTF8.self))
    }

    private func take(_ id: Int64) -> EventLoopPromise<JSONValue>? {
        self.state.withLock { $0.waiting.removeValue(forKey: id) }
    }

    /// Gives the connection up: everybody who waits for an answer learns so.
    private func abandon() {
        let (waiting, connection) = self.state.withLock { state in
            defer {
                state.waiting = [:]
                state.connection = nil
            }
            return (state.waiting, state.connection)
        }
        for promise in waiting.values {
            promise.fail(HostAgentError.notConnected)
        }
        connection?.abort()
    }
}

/// How long to wait before the next attempt: longer each time, up to half a minute, and never the same for two hosts.
struct ReconnectPause: Hashable, Sendable {
    private var longest: Duration = .milliseconds(500)

    /// The next pause: anything from a fifth of the present bound up to it, so that a server that comes back is not met by all hosts at once.
    mutating func next(random: RandomSource) -> Duration {
        let share = random.bytes(2).reduce(0) { $0 << 8 | Int($1) }
        let pause = self.longest / 5 + self.longest * 4 / 5 * share / 65_535
        self.longest = min(self.longest * 2, .seconds(30))
        return pause
    }
}

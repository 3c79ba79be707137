import AgentWire
import Client
import FoundationEssentials
import NIOCore
import Vocabulary

/// The server as a host reaches it: single requests signed with the machine's key.
struct HostServer: Sendable {
    let dialler: Dialler
    let identity: MachineIdentity
    let hostId: GUID
    let time: TimeSource

    /// Makes one from the configuration.
    init(
        _ configuration: AgentConfiguration,
        identity: MachineIdentity,
        group: any EventLoopGroup,
        time: TimeSource = .system
    ) throws(HostAgentError) {
        self.dialler = try Self.dialler(configuration, group: group)
        self.identity = identity
        self.hostId = configuration.hostId
        self.time = time
    }

    /// A dialler for the server of a configuration.
    static func dialler(
        _ configuration: AgentConfiguration,
        group: any EventLoopGroup
    ) throws(HostAgentError) -> Dialler {
        try Self.dialler(configuration.server, caFile: configuration.caFile, proxy: configuration.proxy, group: group)
    }

    /// A dialler for a server. Names are resolved by ourselves: the agent is linked statically.
    static func dialler(
        _ server: String,
        caFile: String?,
        proxy: String?,
        group: any EventLoopGroup
    ) throws(HostAgentError) -> Dialler {
        do {
            let address = try ServerAddress(server)
            let trust = address.isSecure ? try ServerTrust(authorities: caFile) : nil
            return try ServerReach(trust: trust, names: .own, proxy: proxy, group: group).dialler(to: address)
        } catch {
            throw .configuration("\(error)")
        }
    }

    /// Posts a JSON document as this machine.
    func post(_ path: String, _ body: some Encodable) async throws(HostAgentError) -> HTTPAnswer {
        let proof = try self.identity.authorization(host: self.hostId, method: "POST", path: path, at: self.time.now)
        return try await Self.post(path, body, headers: [proof], by: self.dialler)
    }

    /// Posts a JSON document.
    static func post(
        _ path: String,
        _ body: some Encodable,
        headers: [(name: String, value: String)] = [],
        by dialler: Dialler
    ) async throws(HostAgentError) -> HTTPAnswer {
        guard let data = try? JSONText.encode(body) else { throw .configuration("the request cannot be written") }
        let request = HTTPRequest(
            "POST",
            path,
            headers: headers + [("Content-Type", "application/json"), ("Accept", "application/json")],
            body: Array(data)
        )
        do {
            return try await HTTPConnection.send(request, by: dialler, deadline: .seconds(20))
        } catch .tooLate {
            throw .tooLate
        } catch {
            throw .server(code: "Unreachable", message: "\(dialler.address): \(error)")
        }
    }

    /// Joins: sends the token and the machine's public key, learns who the host is.
    static func join(_ request: JoinRequest, by dialler: Dialler) async throws(HostAgentError) -> JoinAnswer {
        let answer = try await Self.post("/hosts/v1/join", request, by: dialler)
        guard answer.status == 200 else { throw Self.refusal(answer) }
        do {
            return try JSONDecoder().decode(JoinAnswer.self, from: Data(answer.body))
        } catch {
            throw .server(code: "BadAnswer", message: "the server's answer to the join makes no sense")
        }
    }

    /// The error in an answer: `{"error":{"code","message"}}`.
    static func refusal(_ answer: HTTPAnswer) -> HostAgentError {
        let error = (try? JSONValue(parsing: answer.body))?["error"]
        return .server(
            code: PrintableText.of(error?["code"]?.string ?? "HTTP\(answer.status)", limit: 64),
            message: PrintableText.of(error?["message"]?.string ?? "the server answered \(answer.status)")
        )
    }
}

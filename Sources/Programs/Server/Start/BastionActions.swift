import AccessControl
import Federation
import ResourceRoutes
import Resources
import Sessions
import Vocabulary

/// What POST on a bastion host does: shows the sessions that go through it, and ends them.
///
/// Source: Azure bastion hosts REST, "Get Active Sessions", "Disconnect Active Sessions".
enum BastionActions {
    /// The actions by `{type}/{verb}`.
    static func all(_ sessions: Sessions, clock: TimeSource) -> [String: ResourceAction] {
        let type = "microsoft.network/bastionhosts"
        return [
            "\(type)/getactivesessions": { request throws(Problem) in
                let now = clock.now
                let open = sessions.all().filter { $0.bastion == request.resource.path }
                return ["value": .array(open.map { Self.document(of: $0, at: now) })]
            },
            "\(type)/disconnectactivesessions": { request throws(Problem) in
                try await Self.disconnect(request, sessions)
            },
        ]
    }

    private static func document(of session: Session, at now: Instant) -> JSONValue {
        [
            "sessionId": .string(session.id.description), "startTime": .string(session.admittedAt.description),
            "targetSubscriptionId": .string(session.target.subscription?.description ?? ""),
            "resourceType": .string(session.target.hostConnectAddress == nil ? "VM" : "IP"),
            "targetHostName": .string(session.target.name),
            "targetResourceGroup": .string(session.target.resourceGroup ?? ""),
            "userName": .string(session.subject.name), "targetIpAddress": .string(session.endpoint.address),
            "protocol": session.endpoint.port == 3389 ? "RDP" : "SSH",
            "targetResourceId": .string(session.target.description),
            "sessionDurationInMins": .integer((now.milliseconds - session.admittedAt.milliseconds) / 60_000),
        ]
    }

    private static func disconnect(_ request: ResourceActionRequest, _ sessions: Sessions)
        async throws(Problem) -> JSONValue
    {
        guard let ids = request.body.member("sessionIds")?.array?.compactMap(\.string), ids.count <= 1000 else {
            throw Problem(
                "InvalidRequestContent",
                shown: "The request content was invalid: 'sessionIds' is a list of at most 1000 identifiers."
            )
        }
        // Sessions of other bastion hosts are unknown here: the right to end these says nothing about those.
        let own = Set(sessions.all().filter { $0.bastion == request.resource.path }.map(\.id))
        var answers: [JSONValue] = []
        for text in ids {
            var state = "NotFound"
            var message = "There is no such session on this bastion host."
            if let id = GUID(text), own.contains(id) {
                do {
                    let reason = "An administrator, \(request.caller.subject.name), disconnected the session."
                    if try await sessions.end(id, reason: reason) {
                        state = "Disconnected"
                        message = "The session was disconnected."
                    }
                } catch {
                    state = "Failed"
                    message = "The session was cut, but that could not be written to the audit."
                }
            }
            answers.append(["sessionId": .string(text), "message": .string(message), "state": .string(state)])
        }
        return ["value": .array(answers)]
    }
}

import AccessControl
import Federation
import HTTPTypes
import Hosts
import Hummingbird
import Identity
import SSHAuthority
import Vocabulary

extension HostRoutes {
    /// Seeing the sessions on a machine.
    static let readSessions = Action("Sallyport.Access/sessions/read")
    /// Ending a session on a machine.
    static let endSessions = Action.post("end", of: "Sallyport.Access/sessions")

    /// The sessions that the caller may see: their own, and those on machines whose sessions they may read.
    func sessions(_ request: Request) async throws -> Response {
        let caller = try await self.caller(request)
        var list: [JSONValue] = []
        for session in self.hosts.sessions() where self.may(Self.readSessions, session, caller) {
            let name = try await self.directory.account(session.objectID)?.subject.name ?? ""
            list.append([
                "id": .string(session.id.description),
                "machine": .string(session.machine.description),
                "objectId": .string(session.objectID.description),
                "name": .string(name),
                "serial": .string(String(session.serial)),
                "keyId": .string(session.keyID),
                "source": .string(session.source),
                "terminal": .string(session.terminal),
                "openedAt": .string(session.openedAt.description),
            ])
        }
        return self.json(["value": JSONValue.array(list)])
    }

    /// Ends a session: one's own, or one on a machine where the caller may end sessions. What cannot be seen does not exist.
    func endSession(_ request: Request, _ name: String?) async throws -> Response {
        let caller = try await self.caller(request)
        guard let id = name.flatMap({ GUID($0) }),
            let session = self.hosts.sessions().first(where: { $0.id == id }),
            self.may(Self.readSessions, session, caller) || self.may(Self.endSessions, session, caller)
        else { throw Problem("SessionNotFound", shown: "There is no such session.") }
        guard self.may(Self.endSessions, session, caller) else {
            throw Problem(
                "AuthorizationFailed",
                shown: "\(caller.displayName) may not end sessions on \(session.machine.name)."
            )
        }
        guard let asked = try? await self.body(request) else {
            throw Problem("InvalidRequest", shown: "The body is not a JSON object.")
        }
        let message = asked["message"]?.string ?? "Your session was ended by \(caller.displayName)."
        guard try await self.hosts.endSession(id, message: message, by: self.author(caller, request)) else {
            throw Problem("SessionNotFound", shown: "There is no such session.")
        }
        return Response(status: .accepted)
    }

    /// Revokes a certificate by its serial number.
    func revoke(_ request: Request, _ serial: String?) async throws -> Response {
        let caller = try await self.caller(request)
        guard let serial = serial.flatMap({ UInt64($0) }) else {
            throw Problem("InvalidRequest", shown: "A serial number is a whole number.")
        }
        let verdict = try await self.authority.revoke(
            serial: serial,
            by: caller.subject,
            source: request.source,
            correlation: request.correlation
        )
        if case .refused(let refusal) = verdict { throw Problem(refusal.code, shown: refusal.sentence) }
        return Response(status: .noContent)
    }

    private func caller(_ request: Request) async throws(Problem) -> Caller {
        try await self.federation.caller(
            authorization: request.headers[.authorization],
            for: .resourceManager
        )
    }

    private func author(_ caller: Caller, _ request: Request) -> Author {
        Author(caller.subject, correlation: request.correlation, source: request.source)
    }

    private func may(_ action: Action, _ session: HostSession, _ caller: Caller) -> Bool {
        session.objectID == caller.subject.id
            || self.accessControl.decide(action, at: session.machine, for: caller.subject).isAllowed
    }
}

import Federation
import HTTPTypes
import Hummingbird
import Resources
import Sessions
import Vocabulary

/// `POST /api/rdpfile?…&authtype=kerberos`: the connection file of somebody who signs in with an account of the machine's domain.
///
/// Name and password come in the body, a form, so that no address, log or history has them. Ours; Azure has this in its portal only.
extension DesktopFileRoute {
    /// A name and a password need less.
    private static let longestBody = 4096

    func answerWithCredentials<Context: RequestContext>(
        _ request: Request,
        _ context: Context
    ) async throws -> Response {
        do throws(Failure) {
            let caller = try await self.caller(request)
            let question = try self.question(request, caller)
            guard question.query.authType == "kerberos" else {
                throw Failure(status: .badRequest, message: "'authtype' must be 'kerberos'; other sign-ins take GET.")
            }
            guard question.query.target.hostConnectAddress == nil else {
                throw Failure(
                    status: .conflict,
                    message: "Kerberos needs the machine's name: name the machine by its resource id, not its address."
                )
            }
            return try await self.answer(question, try await self.credentials(in: request), request, context.id)
        } catch {
            return error.response
        }
    }

    private func credentials(in request: Request) async throws(Failure) -> DomainCredentials {
        let type = request.headers[.contentType] ?? ""
        guard type.lowercased().hasPrefix("application/x-www-form-urlencoded") else {
            throw Failure(
                status: .unsupportedMediaType,
                message: "The body must be a form with 'username', 'password'."
            )
        }
        var request = request
        guard let body = try? await request.collectBody(upTo: Self.longestBody) else {
            throw Failure(status: .contentTooLarge, message: "The name and the password are too long.")
        }
        guard let form = FormFields(body.readableBytesView), let name = form["username"],
            let password = form["password"]
        else {
            throw Failure(status: .badRequest, message: "The form needs 'username' and 'password', each once.")
        }
        do throws(Problem) {
            return try DomainCredentials(name: name, password: password)
        } catch {
            throw Failure(status: .badRequest, message: error.shown)
        }
    }

    private func answer(
        _ question: Question,
        _ credentials: DomainCredentials,
        _ request: Request,
        _ id: String
    ) async throws(Failure) -> Response {
        let (machine, bastion, target) = (question.machine, question.found.bastion, question.query.target)
        var judged = question.found.verdict
        // Rights first: who may not connect learns nothing about the bastion host.
        if case .allowed = judged, let refusal = self.desktops.domainRefusal(bastion) { judged = .refused(refusal) }
        do {
            let verdict = try await self.sessions.admitDesktop(
                AdmissionRequest(
                    subject: question.caller.subject,
                    bastion: bastion,
                    target: target,
                    port: question.port,
                    source: request.headers[.source] ?? "",
                    correlation: request.headers[.clientRequestID] ?? id
                ),
                names: [machine.hostName, target.name],
                signIn: .domain,
                credentials: credentials,
                judged: judged
            )
            switch verdict {
            case .refused(let refusal):
                throw Failure(status: .forbidden, message: refusal.sentence)
            case .allowed(let admission):
                return try self.file(
                    DesktopFile(
                        hostName: machine.hostName,
                        port: question.port,
                        gateway: self.desktops.gateway,
                        token: admission.token,
                        signIn: .domain,
                        userName: credentials.name,
                        channels: self.desktops.channels(bastion),
                        target: target,
                        bastion: bastion
                    )
                )
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(
                status: .serviceUnavailable,
                message: "The server cannot make a connection file now. Try again."
            )
        }
    }
}

import Federation
import HTTPTypes
import Hummingbird
import NIOCore
import RDPWire
import RemoteDesktop
import Resources
import Sessions
import Vocabulary

/// `GET /api/rdpfile`: the connection file for a machine, with a token for one connection within minutes.
///
/// The answer's body is the file; a refusal is JSON with `message`, which the Azure command line shows. Source: its extension `bastion`.
struct DesktopFileRoute: Sendable {
    let sessions: Sessions
    let bastions: BastionRoutes.BastionFinder
    let desktops: DesktopSurroundings
    let authenticate: @Sendable (_ token: String) async throws(Problem) -> Caller

    /// What the query asks for.
    struct Query: Hashable, Sendable {
        let target: ResourcePath
        let port: Int?
        /// True, false, or not said.
        let webAccount: Bool?
        /// In lower case; empty when not said.
        let authType: String

        init(_ text: String) throws(Problem) {
            guard let fields = FormFields(text, names: .lowercased) else {
                throw Self.wrong("The query cannot be read: a name stands in it twice, or it is too long.")
            }
            guard let target = fields["resourceid"].flatMap({ ResourcePath($0) }), !target.segments.isEmpty else {
                throw Self.wrong("The query needs 'resourceId', the resource id of a machine.")
            }
            guard (fields["format"] ?? "rdp").lowercased() == "rdp" else {
                throw Self.wrong("The format must be 'rdp'.")
            }
            self.target = target
            if let text = fields["rdpport"], !text.isEmpty {
                let isNumber = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                guard isNumber, let port = Int(text), (1...65_535).contains(port) else {
                    throw Self.wrong("'rdpport' must be a port from 1 to 65535.")
                }
                self.port = port
            } else {
                self.port = nil
            }
            self.authType = fields["authtype"]?.lowercased() ?? ""
            switch fields["enablerdsaad"]?.lowercased() {
            case nil, ""?: self.webAccount = nil
            case "true"?: self.webAccount = true
            case "false"?: self.webAccount = false
            default: throw Self.wrong("'enablerdsaad' must be True or False.")
            }
        }

        private static func wrong(_ sentence: String) -> Problem { Problem("BadRequest", shown: sentence) }
    }

    /// What was asked for, by whom, and what a bastion host says to it.
    struct Question {
        let caller: Caller
        let query: Query
        let host: String
        let machine: DesktopSurroundings.Machine
        let port: Int
        let found: BastionRoutes.BastionFinder.Found
    }

    /// Why there is no file, for the person.
    struct Failure: Error {
        let status: HTTPResponse.Status
        let message: String

        var response: Response { DesktopFileRoute.refusal(self.status, self.message) }
    }

    func answer<Context: RequestContext>(_ request: Request, _ context: Context) async throws -> Response {
        let question: Question
        do throws(Failure) {
            question = try self.question(request, try await self.caller(request))
        } catch {
            return error.response
        }
        let (caller, query, machine, port) = (question.caller, question.query, question.machine, question.port)
        var found = question.found
        if case .allowed = found.verdict, query.webAccount == true,
            let refusal = self.nameRefusal(query, machine, caller)
        {
            return Self.refusal(.conflict, refusal.sentence)
        }
        let signIn: DesktopFile.SignIn =
            switch query.webAccount {
            case true?: .webAccount
            case nil where machine.isEnrolled: .gatewayToken
            case nil, false?: .password
            }
        // Without a password the machine itself decides as well, so it is the machine that is asked for, not its address.
        var target = query.target
        if signIn != .password, let path = machine.path, path != target {
            target = path
            found = self.bastions.find(question.host, caller.subject, path, port) ?? found
        }
        var judged = found.verdict
        if signIn == .password, case .allowed = judged, !self.desktops.channels(found.bastion).isOpen {
            judged = .refused(.desktopPasswordClosed)
        }
        let verdict = try await self.sessions.admitDesktop(
            AdmissionRequest(
                subject: caller.subject,
                bastion: found.bastion,
                target: target,
                port: port,
                source: request.headers[.source] ?? "",
                correlation: request.headers[.clientRequestID] ?? context.id
            ),
            names: [machine.hostName, query.target.name, target.name],
            signIn: signIn == .password ? .password : .passwordless,
            judged: judged
        )
        switch verdict {
        case .refused(let refusal): return Self.refusal(.forbidden, refusal.sentence)
        case .allowed(let admission):
            return try self.file(
                DesktopFile(
                    hostName: machine.hostName,
                    port: port,
                    gateway: self.desktops.gateway,
                    token: admission.token,
                    signIn: signIn == .webAccount && !self.desktops.announcesWebAccounts ? .gatewayToken : signIn,
                    userName: caller.subject.name,
                    channels: self.desktops.channels(found.bastion),
                    target: target,
                    bastion: found.bastion
                )
            )
        }
    }

    /// Who asks; the request's body is not read before that is known.
    func caller(_ request: Request) async throws(Failure) -> Caller {
        let header = request.headers[.authorization] ?? ""
        guard header.lowercased().hasPrefix("bearer ") else {
            throw Failure(
                status: .unauthorized,
                message: "The request needs the access token of a person who signed in."
            )
        }
        do throws(Problem) {
            return try await self.authenticate(String(header.dropFirst("bearer ".count)))
        } catch {
            throw Failure(status: .unauthorized, message: error.shown)
        }
    }

    /// Finds the machine, its port, and the bastion host with its judgement.
    func question(_ request: Request, _ caller: Caller) throws(Failure) -> Question {
        let query: Query
        do throws(Problem) {
            query = try Query(request.uri.query ?? "")
        } catch {
            throw Failure(status: .badRequest, message: error.shown)
        }
        let host = request.head.authority ?? ""
        guard let known = self.bastions.find(host, caller.subject, query.target, query.port ?? 3389) else {
            throw Failure(
                status: .notFound,
                message: "There is no bastion host here that you may use. Ask for the role Reader on one."
            )
        }
        let machine = self.desktops.machine(query.target, known.bastion)
        // What an agent reported counts only for those who may connect at all.
        var found = known
        var port = query.port ?? 3389
        if query.port == nil, let reported = machine.port, case .allowed = known.verdict {
            port = reported
            found = self.bastions.find(host, caller.subject, query.target, port) ?? known
        }
        return Question(caller: caller, query: query, host: host, machine: machine, port: port, found: found)
    }

    // A web account is about a host name: one that is somebody else's too, or none at all, proves nothing.
    private func nameRefusal(
        _ query: Query,
        _ machine: DesktopSurroundings.Machine,
        _ caller: Caller
    ) -> Refusal? {
        if query.target.hostConnectAddress != nil, !machine.isEnrolled {
            return Refusal(
                "AddressWithWebAccount",
                reason:
                    "A web account needs the machine's host name, and the address \(query.target.name) belongs to no "
                    + "enrolled machine.",
                remedy: "Name the machine by its resource id, or sign in with a name and a password."
            )
        }
        let others = self.desktops.namesakes(machine.hostName, caller.subject).filter { $0 != machine.path }
        guard let other = others.first else { return nil }
        return Refusal(
            "HostNameDuplicate",
            reason:
                "The host name '\(machine.hostName)' is that of \(other.name) too, and a web account cannot tell them apart.",
            remedy: "Give one of the two another host name and restart its agent."
        )
    }

    func file(_ description: DesktopFile) throws -> Response {
        do {
            var file = try description.file()
            if let sign = self.desktops.sign { file = try file.signed(sign) }
            let name = description.hostName.filter {
                $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".")
            }
            var headers: HTTPFields = [.contentType: "application/x-rdp; charset=utf-8", .cacheControl: "no-store"]
            headers[.contentDisposition] = "attachment; filename=\"\(name.isEmpty ? "desktop" : name).rdp\""
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: file.bytes)))
        } catch is RDPWireError {
            return Self.refusal(.conflict, "The machine's or your name cannot stand in a connection file.")
        }
    }

    static func refusal(_ status: HTTPResponse.Status, _ message: String) -> Response {
        let value: JSONValue = ["message": .string(message)]
        var headers: HTTPFields = [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"]
        if status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: value.bytes)))
    }
}

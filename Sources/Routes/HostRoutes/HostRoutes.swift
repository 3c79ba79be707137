public import AccessControl
import AgentWire
public import Federation
import HTTPTypes
public import Hosts
public import Hummingbird
public import Identity
import Logging
public import SSHAuthority
import Vocabulary

/// What hosts and their administrators ask over HTTP, below `/hosts/v1`; the control channel is `ControlGate`'s.
///
/// | request | by | answer |
/// | --- | --- | --- |
/// | `POST /join` | a host with a single-use token | who it is from now on |
/// | `POST /token` | a host, signed | a token for the machine's own identity |
/// | `GET /authorities`, `/revoked`, `/install.sh` | anybody | public keys, the revocation list, a script to read |
/// | `GET /sessions`, `POST /sessions/{id}/end` | a person with a token | sessions they may see; ends one |
/// | `POST /certificates/{serial}/revoke` | a person with a token | revokes one of their own, or anybody's with the right |
public struct HostRoutes: Sendable {
    let hosts: Hosts
    let directory: Directory
    let authority: SSHAuthority
    let accessControl: AccessControl
    let federation: Federation
    let logger = Logger(label: "sallyport.hosts")

    /// Makes the routes.
    public init(
        hosts: Hosts,
        directory: Directory,
        authority: SSHAuthority,
        accessControl: AccessControl,
        federation: Federation
    ) {
        self.hosts = hosts
        self.directory = directory
        self.authority = authority
        self.accessControl = accessControl
        self.federation = federation
    }

    /// Adds them to a router.
    public func add<Context: RequestContext>(to router: Router<Context>) {
        let group = router.group("hosts/v1")
        group.post("join") { request, _ in await self.answering { try await self.join(request) } }
        group.post("token") { request, _ in await self.answering { try await self.token(request) } }
        group.get("authorities") { _, _ in self.authorities() }
        group.get("revoked") { request, _ in self.revoked(request) }
        group.get("install.sh") { _, _ in self.installScript() }
        group.get("sessions") { request, _ in await self.answering { try await self.sessions(request) } }
        group.post("sessions/:id/end") { request, context in
            await self.answering { try await self.endSession(request, context.parameters.get("id")) }
        }
        group.post("certificates/:serial/revoke") { request, context in
            await self.answering { try await self.revoke(request, context.parameters.get("serial")) }
        }
    }

    // MARK: Hosts

    private func join(_ request: Request) async throws -> Response {
        let asked: JoinRequest
        do {
            asked = try ControlObject.decode(try await self.body(request))
        } catch {
            throw Problem("InvalidJoinRequest", shown: "The request to join is not well-formed.", logged: "\(error)")
        }
        let host = try await self.hosts.registry.join(asked, source: request.source)
        return self.json(
            JoinAnswer(
                hostId: host.id,
                resourceId: host.machine.description,
                tenantId: self.directory.tenant.id,
                controlPath: self.hosts.settings.controlPath
            )
        )
    }

    /// Answers in the words of the metadata service, which the agent passes on. Source: Azure Instance Metadata Service, token errors.
    private func token(_ request: Request) async throws -> Response {
        let host = try self.hosts.registry.authenticate(
            header: request.headers[.authorization],
            method: "POST",
            path: "/hosts/v1/token"
        )
        guard let asked: MachineTokenRequest = try? ControlObject.decode(try await self.body(request)) else {
            return self.metadataError("invalid_request", "Required query variable 'resource' is missing")
        }
        guard let identity = self.hosts.registry.machines.machine(host.machine)?.identity,
            let principal = try await self.directory.servicePrincipal(identity), principal.accountEnabled
        else { return self.metadataError("invalid_request", "Identity not found") }
        let token: ManagedIdentityToken
        do throws(Problem) {
            token = try await self.federation.issueManagedIdentityToken(for: principal, resource: asked.resource)
        } catch {
            guard error.code == "invalid_resource" else { throw error }
            return self.metadataError(error.code, error.shown)
        }
        let life = token.expiresOn.seconds - token.notBefore.seconds
        return self.json([
            "access_token": token.accessToken.withValue { $0 },
            "client_id": token.clientID.description,
            "expires_in": String(life),
            "expires_on": String(token.expiresOn.seconds),
            "ext_expires_in": String(life),
            "not_before": String(token.notBefore.seconds),
            "resource": token.resource,
            "token_type": "Bearer",
        ])
    }

    private func metadataError(_ code: String, _ sentence: String) -> Response {
        self.json(["error": code, "error_description": sentence], status: .badRequest)
    }
}

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
/// | `POST /token` | a host, signed | a token for one of the machine's identities |
/// | `POST /attested` | a host, signed | a signed text about the machine |
/// | `GET /attestation.pem` | anybody | the certificate that such a text is checked with |
/// | `GET /authorities`, `/revoked`, `/install.sh` | anybody | public keys, the revocation list, a script to read |
/// | `GET /sessions`, `POST /sessions/{id}/end` | a person with a token | sessions they may see; ends one |
/// | `POST /certificates/{serial}/revoke` | a person with a token | revokes one of their own, or anybody's with the right |
public struct HostRoutes: Sendable {
    let hosts: Hosts
    let directory: Directory
    let authority: SSHAuthority
    let accessControl: AccessControl
    let federation: Federation
    let attestation: Attestation?
    let logger = Logger(label: "sallyport.hosts")

    /// Makes the routes.
    public init(
        hosts: Hosts,
        directory: Directory,
        authority: SSHAuthority,
        accessControl: AccessControl,
        federation: Federation,
        attestation: Attestation? = nil
    ) {
        self.hosts = hosts
        self.directory = directory
        self.authority = authority
        self.accessControl = accessControl
        self.federation = federation
        self.attestation = attestation
    }

    /// Adds them to a router.
    public func add<Context: RequestContext>(to router: Router<Context>) {
        let group = router.group("hosts/v1")
        group.post("join") { request, _ in await self.answering { try await self.join(request) } }
        group.post("token") { request, _ in await self.answering { try await self.token(request) } }
        group.post("attested") { request, _ in await self.answering { try await self.attested(request) } }
        group.get("attestation.pem") { _, _ in try self.attestationCertificate() }
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
}

import AgentWire
import Federation
import HTTPTypes
import Hosts
import Hummingbird
import Identity
import NIOCore
import Vocabulary

/// What a host asks for on behalf of the software on it, answered in the words of the metadata service, which the agent passes on.
///
/// Source: Azure Instance Metadata Service, token errors and attested data.
extension HostRoutes {
    /// A token for one of the machine's identities.
    func token(_ request: Request) async throws -> Response {
        let host = try self.hosts.registry.authenticate(
            header: request.headers[.authorization],
            method: "POST",
            path: "/hosts/v1/token"
        )
        guard let asked: MachineTokenRequest = try? ControlObject.decode(try await self.body(request)) else {
            return self.metadataError("invalid_request", "Required query variable 'resource' is missing")
        }
        guard let machine = self.hosts.registry.machines.machine(host.machine) else {
            return self.metadataError("invalid_request", "Identity not found")
        }
        let own = try await self.client(of: machine.identity)
        let chosen: ChosenIdentity
        switch machine.identity(chosen: asked.identity, ownClient: own) {
        case .refused(let refusal): return self.metadataError(refusal.code, refusal.reason)
        case .allowed(let identity): chosen = identity
        }
        guard let principal = try await self.directory.servicePrincipal(chosen.principal), principal.accountEnabled,
            principal.resource?.description.lowercased() == chosen.owner
        else { return self.metadataError("invalid_request", "Identity not found") }
        let token: ManagedIdentityToken
        do throws(Problem) {
            token = try await self.federation.issueManagedIdentityToken(for: principal, resource: asked.resource)
        } catch {
            guard error.code == "invalid_resource" else { throw error }
            return self.metadataError(error.code, error.shown)
        }
        return self.json(Self.answer(token, echo: chosen.echo))
    }

    // All strings, as the service has them; `refresh_token` is there and empty.
    private static func answer(_ token: ManagedIdentityToken, echo: [String: String]) -> [String: String] {
        let life = String(token.expiresOn.seconds - token.notBefore.seconds)
        let members = [
            "access_token": token.accessToken.withValue { $0 },
            "client_id": token.clientID.description,
            "expires_in": life,
            "expires_on": String(token.expiresOn.seconds),
            "ext_expires_in": life,
            "not_before": String(token.notBefore.seconds),
            "refresh_token": "",
            "resource": token.resource,
            "token_type": "Bearer",
        ]
        return members.merging(echo) { $1 }
    }

    private func client(of identity: GUID?) async throws -> GUID? {
        guard let identity else { return nil }
        return try await self.directory.servicePrincipal(identity)?.appID
    }

    /// A signed text about the machine, as `{"encoding","signature"}`.
    func attested(_ request: Request) async throws -> Response {
        let host = try self.hosts.registry.authenticate(
            header: request.headers[.authorization],
            method: "POST",
            path: "/hosts/v1/attested"
        )
        let asked: AttestationRequest
        do {
            asked = try ControlObject.decode(try await self.body(request))
        } catch {
            return self.metadataError("invalid_request", "The request is not well-formed")
        }
        guard let attestation = self.attestation, let machine = self.hosts.registry.machines.machine(host.machine)
        else { return self.metadataError("not_found", "This machine cannot be attested") }
        // The text is signed: what the caller chose stays short and plain.
        guard asked.nonce.utf8.count <= 32, asked.nonce.utf8.allSatisfy(Self.isDigitOrLetter) else {
            return self.metadataError("invalid_request", "The nonce must be at most 32 letters and digits")
        }
        let text = self.hosts.attestedText(machine, nonce: asked.nonce, version: asked.apiVersion)
        return self.json(["encoding": "pkcs7", "signature": Base64.encode(try attestation.sign(text.bytes))])
    }

    /// The certificate that attested documents are checked with.
    func attestationCertificate() throws -> Response {
        guard let attestation = self.attestation else { throw HTTPError(.notFound) }
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/x-pem-file", .cacheControl: "no-cache", .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: attestation.certificatePEM))
        )
    }

    private static func isDigitOrLetter(_ unit: UInt8) -> Bool {
        switch unit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private func metadataError(_ code: String, _ sentence: String) -> Response {
        self.json(["error": code, "error_description": sentence], status: .badRequest)
    }
}

/// Signs texts about machines. The routes know no keys: the program gives them what signs.
public struct Attestation: Sendable {
    /// Who checks needs this: the certificate as PEM.
    public var certificatePEM: String
    /// A text in its signed envelope (PKCS #7, DER).
    public var sign: @Sendable ([UInt8]) throws -> [UInt8]

    /// Makes one from a function.
    public init(certificatePEM: String, sign: @escaping @Sendable ([UInt8]) throws -> [UInt8]) {
        self.certificatePEM = certificatePEM
        self.sign = sign
    }
}

import HTTPTypes
import Hummingbird
import NIOCore
import SSHAuthority
import SSHWire

extension HostRoutes {
    /// The authorities' public keys, and lines for a `known_hosts` file that is used for our hosts alone.
    func authorities() -> Response {
        let users = self.authority.trustedUserAuthorities()
        let hosts = self.authority.trustedHostAuthorities()
        return self.json([
            "userAuthorities": users.map { $0.line() },
            "hostAuthorities": hosts.map { $0.line() },
            "knownHosts": hosts.map { $0.authorityLine(for: ["*"], comment: "sallyport") },
        ])
    }

    /// The revocation list as OpenSSH reads it, with its version as the tag.
    func revoked(_ request: Request) -> Response {
        let list = self.authority.revocationList()
        let tag = "\"\(list.version)\""
        var headers: HTTPFields = [.eTag: tag, .cacheControl: "no-cache", .xContentTypeOptions: "nosniff"]
        guard request.headers[.ifNoneMatch] != tag else { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = "application/octet-stream"
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: list.bytes))
        )
    }

    /// The script that installs the agent: the same for everybody, to be read before it is run.
    func installScript() -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/plain; charset=utf-8", .cacheControl: "no-cache", .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: InstallScript.text))
        )
    }
}

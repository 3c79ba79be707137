public import Vocabulary

/// How a person proves who they are to a desktop.
public enum DesktopSignIn: Sendable, CaseIterable {
    /// By the sign-in of this computer, which the gateway's one-time token stands for: nothing is typed.
    case gateway
    /// By a web account, in the desktop client itself (RDS-AAD), with everything that policies ask for.
    case webAccount
    /// By a name and a password of the machine, which only the machine sees.
    case password
    /// By a name and a password of the machine's domain, for which the bastion host gets a Kerberos ticket.
    case kerberos
}

/// A name and a password of a domain: what `kerberos` needs beside the sign-in of this computer.
public struct DomainAccount: Sendable {
    /// `alice@CORP.EXAMPLE` or `CORP.EXAMPLE\alice`.
    public let name: String
    /// The password.
    public let password: Secret<String>

    /// Takes what somebody typed.
    public init(name: String, password: Secret<String>) {
        self.name = name
        self.password = password
    }

    /// The form that carries it in a request's body, where no log and no history has it.
    var form: [UInt8] {
        self.password.withValue { Array(FormFields.encode([("username", self.name), ("password", $0)]).utf8) }
    }
}

/// Fetches the `.rdp` file that opens one machine's desktop through a bastion host's gateway. Source: the Azure CLI's `network bastion rdp`.
public struct DesktopFileClient: Sendable {
    private let http: HTTPClient
    private let dnsName: String

    /// Makes a client for a bastion host.
    public init(dnsName: String, authorityFile: String?) throws {
        self.http = HTTPClient(reach: try ServerReach(authorityFile: authorityFile))
        self.dnsName = dnsName
    }

    /// The file, whose token works once and for minutes: it is as secret as a password until then. A refusal is a `Problem` with the
    /// server's sentence.
    ///
    /// - Parameter account: what `kerberos` needs; nil for the others.
    public func file(
        target: ResourcePath,
        port: Int,
        signIn: DesktopSignIn,
        account: DomainAccount? = nil,
        token: String
    ) async throws -> [UInt8] {
        var request = WebRequest(
            "GET",
            "https://\(self.dnsName)\(Self.address(target: target, port: port, signIn: signIn))",
            headers: [("Authorization", "Bearer " + token)]
        )
        if let account {
            request.method = "POST"
            request.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
            request.body = account.form
        }
        let reply = try await self.http.send(request)
        guard reply.status == 200 else { throw ResourceManager.problem(reply) }
        // A page of some proxy on the way is no desktop.
        guard reply.text.lowercased().contains("full address:s:") else {
            throw Problem("BadAnswer", shown: "The bastion's answer is no .rdp file.")
        }
        return reply.body
    }

    /// Path and query of the request. The Azure CLI leaves the slashes of the resource id as they are, and always says whether it wants a
    /// web account; nothing said asks for the gateway's own sign-in.
    static func address(target: ResourcePath, port: Int, signIn: DesktopSignIn) -> String {
        let resource = "/" + target.segments.map(PercentEncoding.encode).joined(separator: "/")
        let account =
            switch signIn {
            case .gateway: ""
            case .webAccount: "&enablerdsaad=True"
            case .password: "&enablerdsaad=False"
            case .kerberos: "&authtype=kerberos"
            }
        return "/api/rdpfile?resourceId=\(resource)&format=rdp&rdpport=\(port)\(account)"
    }
}

extension DesktopSignIn {
    /// Whether the machine itself judges the sign-in, by accounts of its own or of its domain.
    public var isOfMachine: Bool { self == .password || self == .kerberos }
}

public import Vocabulary

/// How a person proves who they are to a desktop.
public enum DesktopSignIn: Sendable, CaseIterable {
    /// By the sign-in of this computer, which the gateway's one-time token stands for: nothing is typed.
    case gateway
    /// By a web account, in the desktop client itself (RDS-AAD), with everything that policies ask for.
    case webAccount
    /// By a name and a password of the machine, which only the machine sees.
    case password
    /// By a Kerberos ticket that this computer has.
    case kerberos
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
    public func file(target: ResourcePath, port: Int, signIn: DesktopSignIn, token: String) async throws -> [UInt8] {
        let reply = try await self.http.send(
            WebRequest(
                "GET",
                "https://\(self.dnsName)\(Self.address(target: target, port: port, signIn: signIn))",
                headers: [("Authorization", "Bearer " + token)]
            )
        )
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
            case .password, .kerberos: "&enablerdsaad=False"
            }
        return "/api/rdpfile?resourceId=\(resource)&format=rdp&rdpport=\(port)\(account)"
    }
}

extension DesktopSignIn {
    /// Whether the machine itself judges the sign-in, by accounts of its own or of its domain.
    public var isOfMachine: Bool { self == .password || self == .kerberos }
}

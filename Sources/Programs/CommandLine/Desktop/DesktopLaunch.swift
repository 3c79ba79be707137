import Client
import Vocabulary

/// How a desktop client is started on an `.rdp` file: its words and what its environment gets besides ours.
///
/// The token stays in the file: everybody on a computer can read the words of a process, and its owner's programs its environment.
struct DesktopLaunch {
    let client: DesktopClient
    /// The file as this system calls it.
    let file: String
    /// The file as the client calls it: the same, but for a client of another system.
    var clientFile: String?
    let signIn: DesktopSignIn
    /// The name to sign in with, when the person chose one.
    var user: String?
    /// Whether the person wants to change the connection before it is made.
    var isToBeEdited = false
    /// Who is signed in here.
    let account: Account
    /// More words of the person's own for the client.
    var more: [String] = []

    /// The program to start.
    var program: String {
        switch self.client {
        case .mstsc(let path, _), .freeRDP(let path, _): path
        case .open: "/usr/bin/open"
        }
    }

    /// Its words. Throws when the client cannot do what was asked.
    func words() throws(Problem) -> [String] {
        switch self.client {
        case .mstsc: return (self.isToBeEdited ? ["/edit"] : []) + [self.clientFile ?? self.file] + self.more
        // It waits until the program has ended, so that the file can go.
        case .open: return ["-W", self.file] + (self.more.isEmpty ? [] : ["--args"] + self.more)
        case .freeRDP(_, let version): return [self.file] + (try self.freeRDPWords(version)) + self.more
        }
    }

    /// What the client's environment gets besides ours.
    var environment: [String: String] {
        // FreeRDP trusts what OpenSSL trusts; without this it would ask about the server's own authority at each start.
        guard case .freeRDP = self.client, let file = self.account.authorityFile else { return [:] }
        return ["SSL_CERT_FILE": file]
    }

    private func freeRDPWords(_ version: Int) throws(Problem) -> [String] {
        let user = self.user.map { ["/u:" + $0] } ?? []
        switch (self.signIn, version >= 3) {
        case (.gateway, false), (.kerberos, false): return user
        // Without an empty password it would ask for one, though nobody wants to know it.
        case (.gateway, true), (.kerberos, true): return user + ["/p:"]
        case (.webAccount, true): return ["/sec:aad", try self.authority()] + user
        // Version 2 knows no web accounts; the gateway's token comes from the same account.
        case (.webAccount, false): return user
        case (.password, _): return user
        }
    }

    // FreeRDP would ask Microsoft's sign-in service otherwise.
    private func authority() throws(Problem) -> String {
        let server = try WebAddress(self.account.url)
        let host = server.port == 443 ? server.host : "\(server.host):\(server.port)"
        return "/azure:ad:\(host),tenantid:\(self.account.tenantID),use-tenantid:on"
    }
}

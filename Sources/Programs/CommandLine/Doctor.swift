import ArgumentParser
import Client
import FoundationEssentials
import Vocabulary

/// `sally doctor`: checks what a sign-in needs, one line a check.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Check this computer, the server and the sign-in.")

    func run() async throws {
        var failed = false
        func report(_ name: String, _ problem: Problem?, _ good: String = "ok") {
            print("\(problem == nil ? "ok  " : "FAIL") \(name): \(problem?.shown ?? good)")
            if problem != nil { failed = true }
        }
        let ssh = ["/usr/bin/ssh", "/usr/local/bin/ssh", "/opt/homebrew/bin/ssh"].first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
        report("ssh", ssh == nil ? Problem("NoSSH", shown: "OpenSSH's client was not found.") : nil, ssh ?? "")
        do {
            let context = try await Context()
            report("account", nil, "\(context.account.name) at \(context.account.url)")
            report("server", await Self.problem { try await Self.checkServer(context) })
            report("sign-in", await Self.problem { _ = try await context.signedIn.resourceManagerToken() })
            report("machines", await Self.problem { _ = try await context.resources.list("/subscriptions") })
            report("certificate", await Self.problem { _ = try await SSHCredentials.current(context) })
        } catch {
            report("account", error as? Problem ?? Problem("Failed", shown: "\(error)"))
        }
        if failed { throw ExitCode(1) }
    }

    private static func checkServer(_ context: Context) async throws {
        let reply = try await context.signedIn.connection.send(WebRequest("GET", context.account.url + "/healthz"))
        guard reply.status == 200 else {
            throw Problem("Unhealthy", shown: "The server answers HTTP \(reply.status) to its health check.")
        }
    }

    private static func problem(_ body: () async throws -> Void) async -> Problem? {
        do {
            try await body()
            return nil
        } catch {
            return error as? Problem ?? Problem("Failed", shown: "\(error)")
        }
    }
}

import ArgumentParser
import Client
@testable import CommandLine
import Testing
import Vocabulary

@Suite("LoopbackListener")
struct LoopbackListenerTests {
    @Test("the code that comes with the right state is handed on, once")
    func code() async throws {
        let listener = LoopbackListener(state: "right")
        #expect(listener.receive(["state": "right", "code": "c"]))
        _ = listener.receive(["state": "right", "code": "another"])
        #expect(try await listener.code(deadline: .seconds(10)) == "c")
    }

    @Test(
        "a form without the right state is ignored: somebody else's page posted it",
        arguments: [
            [:], ["code": "evil"], ["state": "wrong", "code": "evil"], ["state": "", "code": "evil"],
            ["state": "right ", "error": "x"],
        ]
            as [[String: String]]
    )
    func foreign(form: [String: String]) async throws {
        let listener = LoopbackListener(state: "right")
        #expect(!listener.receive(form))
        #expect(listener.receive(["state": "right", "code": "good"]))
        #expect(try await listener.code(deadline: .seconds(10)) == "good")
    }

    @Test("a refusal is the server's sentence, fit for a terminal")
    func refusal() async throws {
        let listener = LoopbackListener(state: "right")
        #expect(listener.receive(["state": "right", "error": "access_denied", "error_description": "No.\u{1b}[2J"]))
        do {
            _ = try await listener.code(deadline: .seconds(10))
            Issue.record("the refusal was not noticed")
        } catch let problem as Problem {
            #expect(problem.code == "access_denied" && problem.shown == "No.?[2J")
        }
    }

    @Test("nobody's answer is a problem after the deadline")
    func deadline() async {
        let listener = LoopbackListener(state: "right")
        await #expect(throws: Problem("Timeout", shown: "")) { try await listener.code(deadline: .milliseconds(1)) }
    }
}

@Suite("Words of the command line")
struct WordsTests {
    private static let bastion = ["network", "bastion", "tunnel", "-n", "b", "-g", "g", "--target-resource-id", "/x"]

    @Test(
        "takes the words that az takes",
        arguments: [
            ["login", "-t", "contoso.example", "-u", "alice", "-o", "none"], ["login", "-i"],
            ["login", "--use-device-code"],
            ["login", "--service-principal", "-u", "x", "-t", "y", "--certificate", "z"],
            ["account", "set", "-s", "x"], ["account", "set", "-n", "x"],
            ["account", "show", "-o", "tsv"], ["vm", "list", "-g", "demo", "-o", "table"],
            ["vm", "show", "-n", "x", "-g", "y"],
            ["ssh", "vm", "-g", "demo", "-n", "vm"],
            ["ssh", "vm", "--resource-group", "demo", "--vm-name", "vm", "--", "-v", "uptime"],
            ["ssh", "config", "-g", "demo", "--name", "vm", "-f", "x", "--overwrite"],
            ["ssh", "cert", "-p", "k.pub", "-f", "c"],
            [
                "network", "bastion", "ssh", "-n", "b", "-g", "g", "--target-resource-id", "/x", "--auth-type", "AAD",
                "--", "id",
            ],
            bastion + ["--resource-port", "22", "--port", "5022", "--timeout", "60"],
            bastion + ["--resource-port", "22", "--port", "0"],
            ["role", "assignment", "create", "--role", "Reader", "--assignee", "a@b", "--scope", "/x"],
            [
                "role", "assignment", "create", "--role", "R", "--assignee-object-id", "i", "--assignee-principal-type",
                "User", "-g", "g",
            ],
            ["role", "assignment", "list"], ["role", "assignment", "delete", "--assignee", "a"], ["session", "list"],
            ["session", "end", "x"],
            ["why", "alice", "vm", "-g", "demo", "-o", "json"], ["doctor"], ["logout"],
        ]
    )
    func accepted(words: [String]) throws {
        _ = try Sally.parseAsRoot(words)
    }

    @Test(
        "refuses words that cannot be meant",
        arguments: [
            ["login", "--password", "x"], ["login", "-i", "--use-device-code"], ["login", "--certificate", "x"],
            ["login", "--password-stdin"],
            ["vm", "list", "-o", "xml"], ["why", "a", "b", "-o", "table"], ["ssh", "vm", "uptime"],
            ["ssh", "vm", "--port", "0"],
            ["ssh", "vm", "--port", "65536"], bastion + ["--resource-port", "22", "--port", "65536"],
            bastion + ["--resource-port", "22", "--port", "-1"], bastion + ["--resource-port", "70000", "--port", "1"],
            bastion + ["--resource-port", "22", "--port", "1", "--timeout", "0"],
            bastion + ["--resource-port", "22", "--port", "1", "--timeout", "9223372036854775807"], ["nosuch"],
            ["session", "end"],
        ]
    )
    func refused(words: [String]) {
        #expect(throws: (any Error).self) { try Sally.parseAsRoot(words) }
    }

    @Test("an account is listed as az lists it, and shows no token")
    func accountDocument() throws {
        let (one, two) = (GUID(high: 0, low: 1), GUID(high: 0, low: 2))
        var account = Account(url: "https://h", authorityFile: nil, tenantID: .zero, kind: .user, name: "alice")
        account.refreshToken = "hidden"
        account.clientSecret = "hidden"
        account.tokens["x"] = AccessToken(token: "hidden", expiresAt: Instant(seconds: 0))
        account.subscriptions = [SubscriptionSummary(id: one, name: "One"), SubscriptionSummary(id: two, name: "Two")]
        account.subscription = two
        let list = AccountDocument.list(account)
        #expect(list.array?.map { $0["isDefault"] } == [false, true])
        #expect(AccountDocument.current(account)["id"]?.string == two.description)
        #expect(!list.text.contains("hidden"))
        account.subscriptions = []
        account.subscription = nil
        #expect(AccountDocument.current(account)["isDefault"] == true)
        #expect(AccountDocument.current(account)["user"]?["type"] == "user")
    }
}

import AgentWire
import Glibc
import Testing
import Vocabulary

@testable import HostAgent

@Suite("Scripts and local accounts")
struct TaskTests {
    private static func run(_ text: String, _ parameters: [HostTask.Parameter] = [], seconds: Int = 20) throws
        -> ScriptRun.Outcome
    {
        let root = TemporaryRoot()
        let run = ScriptRun(text, parameters: parameters, directory: root.layout.privateDirectory + "/tasks")
        let outcome = try run.run(seconds: seconds, StopFlag())
        #expect(HostFile.names(in: root.layout.privateDirectory + "/tasks").isEmpty)
        return outcome
    }

    @Test("a script's outputs and status are told apart")
    func outputs() throws {
        #expect(try Self.run("echo out; echo err >&2; exit 3\n") == .init(status: 3, output: "out\n", errors: "err\n"))
        #expect(try Self.run("#!/bin/sh -e\nfalse\necho no\n").status == 1)
        #expect(try Self.run("kill -9 $$\n").status == 137)
    }

    @Test("parameters come by their place and by their name, never into the shell's own words")
    func parameters() throws {
        let given = [
            HostTask.Parameter(name: "who", value: "a b; id"), .init(name: "", value: "2"),
            .init(name: "PATH", value: "/nowhere"), .init(name: "LD_PRELOAD", value: "/x"),
            .init(name: "1x", value: "y"),
        ]
        let outcome = try Self.run("echo \"$1|$2|$#|$who|$LD_PRELOAD\"; ls / >/dev/null\n", given)
        #expect(outcome == .init(status: 0, output: "a b; id|2|5|a b; id|\n", errors: ""))
    }

    @Test("only the end of an output is kept")
    func tail() throws {
        let outcome = try Self.run("i=0; while [ $i -lt 4000 ]; do echo line$i; i=$((i+1)); done; printf END\n")
        #expect(outcome.output.utf8.count == HostTaskResult.longestOutput && outcome.output.hasSuffix("END"))
    }

    @Test("a script that takes too long is ended with everything it began")
    func deadline() throws {
        let outcome = try Self.run("sleep 300 & sleep 300\n", seconds: 0)
        #expect(outcome.status == 137 && outcome.errors.contains("stopped"))
    }

    @Test("something in the background does not keep the answer")
    func background() throws {
        #expect(try Self.run("sleep 20 &\necho done\n") == .init(status: 0, output: "done\n", errors: ""))
    }

    @Test("names of local accounts are plain words", arguments: ["zoe", "_svc", "a-b_9", "Azure"])
    func names(_ name: String) throws {
        try LocalAccountChange.check(name)
    }

    @Test(
        "other names are refused",
        arguments: [
            "", "-x", "9a", "a b", "a:b", "a/b", "a.b", "alice@contoso.example", "a\nb", "zoë",
            String(repeating: "a", count: 33),
        ]
    )
    func badNames(_ name: String) {
        #expect(throws: HostAgentError.self) { try LocalAccountChange.check(name) }
    }

    @Test("accounts of the system are left alone")
    func system() throws {
        let root = TemporaryRoot()
        try root.write("/etc/passwd", "daemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n")
        let accounts = LocalAccountChange(layout: root.layout)
        #expect(throws: HostAgentError.self) { try accounts.set("daemon", password: "x", publicKey: nil) }
        #expect(throws: HostAgentError.self) { try accounts.remove("daemon") }
        #expect(throws: HostAgentError.self) { try accounts.set("zoe", password: nil, publicKey: nil) }
    }

    @Test("keys are added to those that are there, once")
    func keys() throws {
        let root = TemporaryRoot()
        try root.write("/home/zoe/.ssh/authorized_keys", "ssh-ed25519 AAAA old")
        let keys = AuthorizedKeys(home: root.layout.path("/home/zoe"), number: 0, group: 0)
        try keys.add(["ssh-ed25519 BBBB new"])
        try keys.add(["ssh-ed25519 BBBB new"])
        #expect(
            HostFile.text(root.layout.path("/home/zoe/.ssh/authorized_keys"))
                == "ssh-ed25519 AAAA old\nssh-ed25519 BBBB new\n"
        )
    }

    @Test("another name of somebody else's file is not copied")
    func hardLinks() throws {
        let root = TemporaryRoot()
        try root.write("/etc/shadow", "root:secret\n")
        try root.write("/home/zoe/.ssh/config", "")
        let file = root.layout.path("/home/zoe/.ssh/authorized_keys")
        #expect(link(root.layout.path("/etc/shadow"), file) == 0)
        let keys = AuthorizedKeys(home: root.layout.path("/home/zoe"), number: 0, group: 0)
        #expect(throws: HostAgentError.self) { try keys.add(["ssh-ed25519 BBBB new"]) }
        #expect(HostFile.text(root.layout.path("/etc/shadow")) == "root:secret\n")
    }

    @Test("links in a home directory are not followed")
    func links() throws {
        let root = TemporaryRoot()
        try root.write("/etc/secret/authorized_keys", "")
        try root.write("/home/zoe/.profile", "")
        #expect(symlink(root.layout.path("/etc/secret"), root.layout.path("/home/zoe/.ssh")) == 0)
        let keys = AuthorizedKeys(home: root.layout.path("/home/zoe"), number: 0, group: 0)
        #expect(throws: HostAgentError.self) { try keys.add(["ssh-ed25519 BBBB new"]) }
        #expect(HostFile.text(root.layout.path("/etc/secret/authorized_keys")) == "")
    }
}

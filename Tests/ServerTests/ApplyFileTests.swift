import Testing
import Vocabulary

@testable import Server

@Suite("Reading an apply file")
struct ApplyFileTests {
    @Test(
        "a mistake is named with its line",
        arguments: [
            ("apiVersion: 2", "1: 'apiVersion' must be 1"),
            ("apiVersion: 1\nuser: []", "2: unknown key 'user'"),
            ("apiVersion: 1\nusers:\n  - displayName: A", "3: 'upn' is missing"),
            ("apiVersion: 1\nusers:\n  - upn: a\n    shoe: 44", "4: unknown key 'shoe'"),
            ("apiVersion: 1\nusers:\n  - upn: a\n    password: hunter2", "4: 'password' must be {environment: NAME}"),
            ("apiVersion: 1\nusers:\n  - upn: a\n    guest: perhaps", "4: 'guest' must be true or false"),
            ("apiVersion: 1\ngroups: many", "2: 'groups' must be a list"),
            ("- a\n- b", "1: expected a mapping"),
            ("apiVersion: 1\n\tusers: []", "2: this is not YAML"),
            ("apiVersion: 1\nservicePrincipals:\n  - name: r\n    appId: not-a-guid", "3: 'appId' must be a GUID"),
        ]
    )
    func mistakes(text: String, message: String) {
        let problem = #expect(throws: Problem.self) { try ApplyFile(parsing: text) }
        #expect(problem?.shown.hasPrefix(message) == true, "\(problem?.shown ?? "")")
    }

    @Test("a password in the file is never repeated in the message")
    func noSecretInMessage() {
        let problem = #expect(throws: Problem.self) {
            try ApplyFile(parsing: "apiVersion: 1\nusers:\n  - upn: a\n    password: hunter2")
        }
        #expect(problem?.shown.contains("hunter2") == false)
    }

    @Test("text that is no YAML is refused", arguments: ["", "a: [", "\u{0}", "a: b: c"])
    func noYAML(text: String) {
        #expect(throws: Problem.self) { try ApplyFile(parsing: text) }
    }

    @Test("every secret that the file refers to is found")
    func secrets() throws {
        let file = try ApplyFile(
            parsing: """
                apiVersion: 1
                users:
                  - {upn: a, password: {environment: A}}
                servicePrincipals:
                  - name: r
                    appId: 5a11b0a7-0000-4000-8000-0000000000c1
                    secret: {file: /s}
                    certificate: {file: /c}
                """
        )
        #expect(file.secretSources == [.environment("A"), .file("/s"), .file("/c")])
    }
}

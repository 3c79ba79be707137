@testable import Client
@testable import CommandLine
import FoundationEssentials
import Testing
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("DesktopFile")
struct DesktopFileTests {
    private static func mode(_ path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }

    private static func withState(_ body: (StateDirectory) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/sally-desktop-" + GUID(from: .system).description
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(try StateDirectory(environment: ["SALLY_CONFIG_DIR": path]))
    }

    @Test("is readable by its owner alone, in a directory that nobody else may enter, whatever the umask")
    func modes() throws {
        try Self.withState { state in
            let before = umask(0)
            defer { umask(before) }
            let file = try DesktopFile(Array("full address:s:x\r\n".utf8), named: "x.rdp", in: state)
            #expect(Self.mode(file.path) == 0o600)
            #expect(Self.mode(state.path + "/desktops") == 0o700)
            #expect(Self.mode(String(file.path.dropLast("/x.rdp".count))) == 0o700)
        }
    }

    @Test("leaves nothing when it goes")
    func removal() throws {
        try Self.withState { state in
            let file = try DesktopFile([], named: "x.rdp", in: state)
            file.remove()
            #expect(try FileManager.default.contentsOfDirectory(atPath: state.path + "/desktops").isEmpty)
        }
    }

    @Test("leads to the local port of a tunnel, in three lines")
    func local() {
        let text = String(decoding: DesktopFile.local(port: 40_000), as: UTF8.self)
        #expect(
            text
                == "full address:s:localhost:40000\r\nalternate full address:s:localhost:40000\r\nuse multimon:i:0\r\n"
        )
    }

    @Test("knows a file that leads to the machine's own sign-in")
    func ownSignIn() {
        #expect(DesktopFile.leadsToOwnSignIn(Array("full address:s:x\r\nPrompt for credentials:i:1\r\n".utf8)))
        #expect(!DesktopFile.leadsToOwnSignIn(Array("full address:s:x\r\nprompt for credentials:i:0\r\n".utf8)))
    }

    @Test("waits for a program with the environment it was given, and says how it ended")
    func attend() async throws {
        let script = "test \"$SSL_CERT_FILE\" = /ca.pem && exit 12"
        let status = try await ChildProcess.attend(
            "/bin/sh",
            ["-c", script],
            environment: ["SSL_CERT_FILE": "/ca.pem"],
            leaving: "/nonexistent/x"
        )
        #expect(status == 12)
        #expect(throws: Problem.self) { try ChildProcess.capture("/nonexistent/az", [], environment: [:]) }
    }

    @Test("lets a program hear the signals that the threads of tasks hold back")
    func signals() async throws {
        let status = try await ChildProcess.attend(
            "/bin/sh",
            ["-c", "kill -TERM $$; exit 3"],
            environment: [:],
            leaving: "/nonexistent/x"
        )
        #expect(status == -SIGTERM)
        #expect(
            try ChildProcess.capture("/bin/sh", ["-c", "kill -INT $$; exit 3"], environment: [:]).status == 128 + SIGINT
        )
    }
}

import AgentWire
import Synchronization
import Testing
import Vocabulary

@testable import HostAgent

@Suite("The program that sets passwords of desktops")
struct CredentialCommandTests {
    /// What the program was told, and what it prints.
    private final class Program: Sendable {
        let runs = Mutex<[(argument: String, input: String)]>([])
        let prints = Mutex<String>("")
        let fails = Mutex<Bool>(false)
        let now = Mutex<Instant>(AccountBookTests.now)
    }

    private let program = Program()

    private var command: CredentialCommand {
        let program = self.program
        return CredentialCommand(
            run: { argument, input throws(HostAgentError) in
                program.runs.withLock { $0.append((argument, String(decoding: input, as: UTF8.self))) }
                if program.fails.withLock({ $0 }) { throw .program(name: "set", said: "no") }
                return program.prints.withLock { $0 }
            },
            time: TimeSource { program.now.withLock { $0 } }
        )
    }

    private var arguments: [String] { self.program.runs.withLock { $0.map(\.argument) } }

    private func order(_ number: UInt64, of person: UInt64 = 1, administrator: Bool = false) -> DesktopOrder {
        var account = AccountBookTests.account(person, "p\(person)@x.y")
        account.administrator = administrator
        return DesktopOrder(request: GUID(high: 9, low: number), session: GUID(high: 8, low: number), account: account)
    }

    private func turn(_ step: Duration) {
        self.program.now.withLock { $0 = $0 + step }
    }

    @Test("gets name, password, object id, role and display name, and may answer with another name")
    func told() async throws {
        self.program.prints.withLock { $0 = "alice\r\nVM1\n" }
        let answer = try await self.command.credential(for: self.order(1, administrator: true))
        let lines = try #require(self.program.runs.withLock { $0.first }?.input.split(separator: "\n"))
        #expect(lines[0] == "p1@x.y" && lines[2] == "\(AccountBookTests.id(1))" && lines[3] == "administrator")
        #expect(answer.password?.withValue { String(decoding: $0, as: UTF8.self) } == String(lines[1]))
        #expect(answer.user == "alice" && answer.domain == "VM1")
    }

    @Test("without another name it is the person's own")
    func ownName() async throws {
        #expect(try await self.command.credential(for: self.order(1)).user == "p1@x.y")
    }

    @Test("two sign-ins of one person at one moment get the same password, and it goes with the last")
    func shared() async throws {
        let command = self.command
        async let first = command.credential(for: self.order(1))
        async let second = command.credential(for: self.order(2))
        let answers = try await (first, second)
        #expect(answers.0.password == answers.1.password && self.arguments == ["set"])
        await command.settle(GUID(high: 9, low: 1))
        #expect(self.arguments == ["set"])
        await command.settle(GUID(high: 9, low: 2))
        #expect(self.arguments == ["set", "lock"])
    }

    @Test("who is no administrator any more does not share the administrator's sign-in")
    func anotherRole() async throws {
        let command = self.command
        let one = try await command.credential(for: self.order(1, administrator: true))
        let other = try await command.credential(for: self.order(2))
        #expect(one.password != other.password && self.arguments == ["set", "set"])
    }

    @Test("another person gets another password")
    func others() async throws {
        let command = self.command
        let one = try await command.credential(for: self.order(1))
        let other = try await command.credential(for: self.order(2, of: 2))
        #expect(one.password != other.password && self.arguments == ["set", "set"])
    }

    @Test("a password is taken back after a minute")
    func expiry() async throws {
        let command = self.command
        _ = try await command.credential(for: self.order(1))
        self.turn(.seconds(59))
        await command.lookAfter()
        #expect(self.arguments == ["set"])
        self.turn(.seconds(1))
        await command.lookAfter()
        #expect(self.arguments == ["set", "lock"])
        await command.lookAfter()
        #expect(self.arguments == ["set", "lock"])
    }

    @Test("taking back is tried again when it fails")
    func stubborn() async throws {
        let command = self.command
        _ = try await command.credential(for: self.order(1))
        self.program.fails.withLock { $0 = true }
        await command.settle(GUID(high: 9, low: 1))
        self.program.fails.withLock { $0 = false }
        await command.lookAfter()
        #expect(self.arguments == ["set", "lock", "lock"])
    }

    @Test("a program that fails gives no credential, and the next one is new")
    func failure() async throws {
        let command = self.command
        self.program.fails.withLock { $0 = true }
        await #expect(throws: HostAgentError.self) { try await command.credential(for: self.order(1)) }
        self.program.fails.withLock { $0 = false }
        _ = try await command.credential(for: self.order(2))
        #expect(self.arguments == ["set", "set"])
    }

    @Test("standard input reaches a real program, and nothing of it the command line")
    func real() throws {
        let outcome = try HostProgram.run(
            ["/bin/sh", "-c", "read -r a; cat; echo \"$a:$0\"", "set"],
            input: [0x61, 0x0a]
        )
        #expect(outcome.output == "a:set\n")
    }
}

import Testing

@testable import NamespaceFabric

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("Processes") struct ProcessIdentityTests {
    @Test("reads the start time behind a name with parentheses and spaces") func startTime() {
        let rest = (4...21).map(String.init).joined(separator: " ")
        #expect(ProcessIdentity.startTime("7 (a) b) (c) S \(rest) 123456 0") == 123456)
    }

    @Test("takes a dead process for none", arguments: ["Z", "X"]) func dead(state: String) {
        let rest = (4...21).map(String.init).joined(separator: " ")
        #expect(ProcessIdentity.startTime("7 (a) \(state) \(rest) 123456 0") == nil)
    }

    @Test("knows itself, and nobody with a number of nobody") func itself() {
        #expect(ProcessIdentity(getpid())?.isAlive == true)
        #expect(ProcessIdentity(Int32.max) == nil)
    }

    @Test("says what a failing program said") func failure() {
        #expect(throws: FabricError.program("sh -c echo no; exit 3", said: "no\n")) {
            try Command.run(["sh", "-c", "echo no; exit 3"])
        }
    }

    @Test("hands a program its input and returns its output") func output() throws {
        #expect(try Command.run(["cat"], input: "a b") == "a b")
    }

    @Test("passes arguments as they are") func arguments() throws {
        #expect(try Command.run(["printf", "%s|", "a b", "$(id)", "*"]) == "a b|$(id)|*|")
    }
}

@testable import Client
import FoundationEssentials
import Testing
import Vocabulary

@Suite("StateLock")
struct StateLockTests {
    @Test("one has it at a time, and the next gets it when it is given back")
    func turns() async throws {
        let scratch = try StateDirectoryTests.Scratch()
        let file = scratch.path + "/lock"
        let first = try await StateLock.take(file)
        await #expect(throws: Problem.self) { _ = try await StateLock.take(file, patience: .zero) }
        first.release()
        let second = try await StateLock.take(file, patience: .zero)
        second.release()
    }

    @Test("a link in its place is not followed")
    func link() async throws {
        let scratch = try StateDirectoryTests.Scratch()
        try FileManager.default.createSymbolicLink(
            atPath: scratch.path + "/lock",
            withDestinationPath: scratch.path + "/elsewhere"
        )
        await #expect(throws: Problem.self) { _ = try await StateLock.take(scratch.path + "/lock") }
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/elsewhere"))
    }
}

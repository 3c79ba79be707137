import Foundation
import Keys
import Testing
import Vocabulary

struct SealingKeyTests {
    private let path = "/tmp/sallyport-sealing-\(GUID(from: .system))"

    @Test("makes a key file that only its owner can read, and reads the same key again")
    func makesAndReads() throws {
        defer { try? FileManager.default.removeItem(atPath: self.path) }
        let first = try SealingKey.loadOrCreate(at: self.path)
        let attributes = try FileManager.default.attributesOfItem(atPath: self.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let sealed = try first.seal([1, 2, 3], context: "here")
        #expect(try SealingKey.loadOrCreate(at: self.path).open(sealed, context: "here") == [1, 2, 3])
    }

    @Test("only reads when told to, and makes no file")
    func loads() throws {
        #expect(throws: KeysError(.missing, "")) { try SealingKey.load(at: self.path) }
        #expect(!FileManager.default.fileExists(atPath: self.path))
    }

    @Test("derives the same key for one purpose and another for another")
    func derives() throws {
        let key = try SealingKey(bytes: [UInt8](repeating: 7, count: 32))
        let again = try SealingKey(bytes: [UInt8](repeating: 7, count: 32))
        let audit = key.derived(for: "audit").withValue { $0 }
        #expect(audit.count == 32 && audit == again.derived(for: "audit").withValue { $0 })
        #expect(audit != key.derived(for: "other").withValue { $0 })
    }

    @Test("refuses a key file that others can read", arguments: [0o640, 0o604, 0o620])
    func refusesExposed(mode: Int) throws {
        defer { try? FileManager.default.removeItem(atPath: self.path) }
        _ = try SealingKey.loadOrCreate(at: self.path)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: self.path)
        #expect(throws: KeysError(.exposed, "")) { try SealingKey.loadOrCreate(at: self.path) }
    }

    @Test("refuses a key file of another length", arguments: [0, 31, 33])
    func refusesLength(count: Int) throws {
        defer { try? FileManager.default.removeItem(atPath: self.path) }
        _ = FileManager.default.createFile(
            atPath: self.path,
            contents: Data(repeating: 1, count: count),
            attributes: [.posixPermissions: 0o600]
        )
        #expect(throws: KeysError(.malformed, "")) { try SealingKey.loadOrCreate(at: self.path) }
    }

    @Test("refuses a symbolic link in the key file's place")
    func refusesLink() throws {
        defer { try? FileManager.default.removeItem(atPath: self.path) }
        try FileManager.default.createSymbolicLink(atPath: self.path, withDestinationPath: "/dev/zero")
        #expect(throws: KeysError(.unreadable, "")) { try SealingKey.loadOrCreate(at: self.path) }
    }

    @Test("opens nothing that was sealed for another context")
    func bindsContext() throws {
        let key = try SealingKey(bytes: [UInt8](repeating: 1, count: 32))
        let sealed = try key.seal([1], context: "one")
        #expect(throws: KeysError(.cannotOpen, "")) { try key.open(sealed, context: "two") }
    }

    @Test("opens nothing that was changed, cut, or sealed with another key")
    func authenticates() throws {
        let key = try SealingKey(bytes: [UInt8](repeating: 1, count: 32))
        let other = try SealingKey(bytes: [UInt8](repeating: 2, count: 32))
        var sealed = try key.seal([1, 2], context: "c")
        #expect(throws: KeysError(.cannotOpen, "")) { try other.open(sealed, context: "c") }
        #expect(throws: KeysError(.cannotOpen, "")) { try key.open(Array(sealed.prefix(5)), context: "c") }
        sealed[13] ^= 1
        #expect(throws: KeysError(.cannotOpen, "")) { try key.open(sealed, context: "c") }
    }
}

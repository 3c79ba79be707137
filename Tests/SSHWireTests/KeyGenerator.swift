import Foundation
import SSHWire
import Synchronization

/// The real `ssh-keygen` in a directory of its own, as the source of vectors and the judge of ours.
final class KeyGenerator: Sendable {
    struct Failure: Error {
        let output: String
    }

    let folder: URL

    init() throws {
        self.folder = FileManager.default.temporaryDirectory.appendingPathComponent("keygen-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: self.folder)
    }

    /// Runs it and returns its exit status and everything it said.
    func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/ssh-keygen")
        process.arguments = arguments
        process.currentDirectoryURL = self.folder
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// Runs it and fails unless it succeeds.
    @discardableResult
    func succeed(_ arguments: String...) throws -> String {
        let (status, output) = try self.run(arguments)
        guard status == 0 else { throw Failure(output: output) }
        return output
    }

    /// Makes a key pair in the files `name` and `name.pub`.
    func makeKey(_ name: String, type: String = "ed25519", bits: Int? = nil) throws -> SSHPublicKey {
        let size = bits.map { ["-b", String($0)] } ?? []
        let (status, output) = try self.run(["-q", "-t", type, "-N", "", "-C", "a comment", "-f", name] + size)
        guard status == 0 else { throw Failure(output: output) }
        return try SSHPublicKey(line: self.text(name + ".pub"))
    }

    func text(_ name: String) throws -> String {
        String(decoding: try self.bytes(name), as: UTF8.self)
    }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: self.folder.appendingPathComponent(name)))
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let url = self.folder.appendingPathComponent(name)
        try Data(bytes).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: url.path)
    }
}

/// A small generator whose numbers are the same in every run.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let mixed = (self.state ^ self.state >> 33) &* 0xff51_afd7_ed55_8ccd
        return mixed ^ mixed >> 33
    }
}

import Crypto
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Extensions of the Azure CLI that the operator has put into a directory, and the index by which `az extension add --name …` finds them.
///
/// Source: the Azure CLI's extension index, format version 1. A name and a version are what a wheel's file name says (PEP 427).
final class ExtensionShelf: Sendable {
    /// A wheel's file name, taken apart.
    struct Wheel: Hashable, Sendable {
        let file: String
        let name: String
        let version: String

        /// Reads a file name; nil for anything but a wheel that every Python 3 takes.
        init?(file: String) {
            guard file.hasSuffix(".whl"), file.utf8.count <= 128, file.utf8.allSatisfy(Self.isPlain) else { return nil }
            let parts = file.dropLast(4).split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 5 || parts.count == 6, let first = parts[1].utf8.first,
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first), !parts[0].isEmpty
            else { return nil }
            self.file = file
            // A wheel has underscores where the extension's name has hyphens.
            self.name = parts[0].replacing("_", with: "-").lowercased()
            self.version = String(parts[1])
        }

        private static func isPlain(_ unit: UInt8) -> Bool {
            switch unit {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "._-+".utf8.contains(unit)
            }
        }
    }

    private struct Digest {
        let stamp: [Int]
        let sha256: String
    }

    private static let longestWheel = 64 << 20
    private static let mostWheels = 200

    private let directory: String
    private let origin: String
    private let digests = Mutex<[String: Digest]>([:])

    /// Makes a shelf. `origin` is the server's own address, which download addresses begin with.
    init(directory: String, origin: String) {
        self.directory = directory
        self.origin = origin
    }

    /// Adds the index and the wheels to a router.
    func add<Context: RequestContext>(to router: Router<Context>) {
        router.get("extensions/index.json") { _, _ in Self.answer(self.index().bytes, "application/json") }
        router.get("extensions/:file") { _, context in
            guard let wheel = context.parameters.get("file").flatMap({ Wheel(file: $0) }),
                let bytes = self.bytes(of: wheel)
            else { throw HTTPError(.notFound) }
            return Self.answer(bytes, "application/octet-stream")
        }
    }

    /// The index of what is in the directory now.
    func index() -> JSONValue {
        var extensions: [String: [JSONValue]] = [:]
        for wheel in self.wheels() {
            guard let digest = self.digest(of: wheel) else { continue }
            let entry: JSONValue = [
                "downloadUrl": .string("\(self.origin)/extensions/\(wheel.file)"),
                "filename": .string(wheel.file),
                "sha256Digest": .string(digest),
                "metadata": [
                    "name": .string(wheel.name), "version": .string(wheel.version), "metadata_version": "2.0",
                    "summary": .string("\(wheel.name), as this server's operator provides it"),
                    "extras": [], "run_requires": [], "azext.minCliCoreVersion": "2.0.0",
                ],
            ]
            extensions[wheel.name, default: []].append(entry)
        }
        return ["formatVersion": "1", "extensions": .object(extensions.mapValues { .array($0) })]
    }

    private func wheels() -> [Wheel] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: self.directory)) ?? []
        return names.sorted().compactMap { Wheel(file: $0) }.prefix(Self.mostWheels).map(\.self)
    }

    private func digest(of wheel: Wheel) -> String? {
        guard let stamp = self.stamp(of: wheel) else { return nil }
        if let known = self.digests.withLock({ $0[wheel.file] }), known.stamp == stamp { return known.sha256 }
        guard let bytes = self.bytes(of: wheel) else { return nil }
        let digest = Hex.encode(SHA256.hash(data: bytes))
        self.digests.withLock { $0[wheel.file] = Digest(stamp: stamp, sha256: digest) }
        return digest
    }

    // A link is not followed: what is served is what lies in the directory.
    private func stamp(of wheel: Wheel) -> [Int]? {
        var status = stat()
        guard lstat("\(self.directory)/\(wheel.file)", &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size <= Self.longestWheel
        else { return nil }
        return [Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec, Int(status.st_ino)]
    }

    private func bytes(of wheel: Wheel) -> [UInt8]? {
        guard self.stamp(of: wheel) != nil else { return nil }
        return FileManager.default.contents(atPath: "\(self.directory)/\(wheel.file)").map(Array.init)
    }

    private static func answer(_ bytes: [UInt8], _ type: String) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: type, .cacheControl: "no-cache", .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }
}

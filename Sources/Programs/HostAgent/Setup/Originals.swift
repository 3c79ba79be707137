import Crypto
import FoundationEssentials
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the host's files were before the agent changed them, so that leaving puts everything back.
///
/// Written before the change, because the machine can lose power in between.
struct Originals: Sendable {
    /// One file.
    struct Entry: Hashable, Sendable, Codable {
        var path: String
        /// What was there; nil when there was nothing.
        var content: Data?
        /// Its owner and permissions.
        var attributes: HostFile.Attributes?
        /// When it had been changed last, in nanoseconds since 1970.
        var modified: Int64?
        /// The digest of what the agent put there.
        var written: String
        /// Whether the agent made the directory that the file lies in.
        var madeDirectory: String?
    }

    private(set) var entries: [Entry]
    private let layout: HostLayout

    /// Reads what earlier runs changed.
    init(_ layout: HostLayout) {
        self.layout = layout
        let file = (try? HostFile.read(layout.originalsFile, limit: 64 << 20)).flatMap { $0 }
        self.entries = file.flatMap { try? JSONDecoder().decode([Entry].self, from: Data($0)) } ?? []
    }

    /// The paths that hold something of ours.
    var paths: [String] { self.entries.map(\.path) }

    /// Puts a file in place, remembering what was there. A file that exists keeps its owner and permissions unless others are given.
    mutating func place(
        _ path: String,
        _ bytes: [UInt8],
        _ attributes: HostFile.Attributes? = nil
    ) throws(HostAgentError) {
        // A symbolic link stays one: the file behind it is changed.
        let path = try Self.resolved(path)
        if let current = try HostFile.read(path), current == bytes, attributes == nil { return }
        var entry: Entry
        if let index = self.entries.firstIndex(where: { $0.path == path }) {
            entry = self.entries.remove(at: index)
            entry.written = Self.digest(bytes)
        } else {
            entry = Entry(
                path: path,
                content: try HostFile.read(path).map { Data($0) },
                attributes: HostFile.attributes(path),
                modified: HostFile.status(path).map {
                    Int64($0.st_mtim.tv_sec) * 1_000_000_000 + Int64($0.st_mtim.tv_nsec)
                },
                written: Self.digest(bytes),
                madeDirectory: nil
            )
        }
        if let parent = HostFile.parent(of: path), !HostFile.exists(parent) {
            entry.madeDirectory = parent
            try HostFile.makeDirectory(parent, mode: 0o755)
        }
        self.entries.append(entry)
        try self.save()
        try HostFile.replace(path, with: bytes, attributes ?? entry.attributes ?? .root(0o644))
    }

    /// Puts one file back. Where somebody changed it after the agent did, only the agent's part is taken out, by `strip`.
    mutating func restore(_ path: String, strip: (String) -> String = { $0 }) throws(HostAgentError) {
        let path = (try? Self.resolved(path)) ?? path
        guard let index = self.entries.firstIndex(where: { $0.path == path }) else { return }
        let entry = self.entries[index]
        let current = try HostFile.read(path)
        if let content = entry.content, let attributes = entry.attributes {
            if let current, Self.digest(current) != entry.written {
                try HostFile.replace(
                    path,
                    with: Array(strip(String(decoding: current, as: UTF8.self)).utf8),
                    HostFile.attributes(path) ?? attributes
                )
            } else {
                try HostFile.replace(path, with: Array(content), attributes)
                Self.setModified(path, entry.modified)
            }
        } else {
            try HostFile.remove(path)
        }
        if let directory = entry.madeDirectory { rmdir(directory) }
        self.entries.remove(at: index)
        try self.save()
    }

    private func save() throws(HostAgentError) {
        try HostFile.makeDirectory(self.layout.stateDirectory, mode: 0o755)
        try HostFile.makeDirectory(self.layout.privateDirectory, mode: 0o700)
        guard let file = try? JSONEncoder().encode(self.entries) else {
            throw .configuration("the list of changed files cannot be written")
        }
        try HostFile.replace(self.layout.originalsFile, with: Array(file), .root(0o600))
    }

    private static func resolved(_ path: String) throws(HostAgentError) -> String {
        var path = path
        for _ in 0..<8 {
            guard let target = HostFile.link(path) else { return path }
            path = target.hasPrefix("/") ? target : (HostFile.parent(of: path) ?? "") + "/" + target
        }
        throw .configuration("\(path) is a loop of links")
    }

    private static func digest(_ bytes: [UInt8]) -> String {
        Hex.encode(SHA256.hash(data: bytes))
    }

    private static func setModified(_ path: String, _ nanoseconds: Int64?) {
        guard let nanoseconds else { return }
        let time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        _ = [time, time].withUnsafeBufferPointer { utimensat(AT_FDCWD, path, $0.baseAddress, 0) }
    }
}

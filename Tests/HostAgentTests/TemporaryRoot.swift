import Glibc

@testable import HostAgent

/// A directory that stands for a host's root, removed at the end.
final class TemporaryRoot: Sendable {
    let layout: HostLayout

    init() {
        var template = Array("/tmp/sallyport-test-XXXXXX".utf8CString)
        _ = mkdtemp(&template)
        self.layout = HostLayout(
            root: String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        )
    }

    deinit {
        Self.remove(self.layout.root)
    }

    /// Writes a file below the root.
    func write(_ path: String, _ text: String, mode: UInt32 = 0o644) throws {
        let full = self.layout.path(path)
        try HostFile.makeDirectory(HostFile.parent(of: full) ?? "/", mode: 0o755)
        try HostFile.replace(
            full,
            with: Array(text.utf8),
            HostFile.Attributes(mode: mode, uid: geteuid(), gid: getegid())
        )
    }

    private static func remove(_ path: String) {
        for name in HostFile.names(in: path) {
            let inside = "\(path)/\(name)"
            if HostFile.status(inside)?.st_mode ?? 0 & S_IFMT == S_IFDIR || !HostFile.names(in: inside).isEmpty {
                Self.remove(inside)
            }
            if unlink(inside) != 0 { rmdir(inside) }
        }
        rmdir(path)
    }
}

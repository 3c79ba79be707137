import FoundationEssentials
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
import Vocabulary

/// Small files in the data directory, written whole or not at all and never readable by others by accident.
enum PrivateFiles {
    /// Makes a directory with mode 0700; refuses one that others may enter.
    static func makeDirectory(_ path: String) throws {
        if mkdir(path, 0o700) == 0 { return }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw Problem(
                "DataDirectory",
                shown: "Cannot make the directory \(path): \(String(cString: strerror(errno)))."
            )
        }
        guard status.st_mode & 0o077 == 0 else {
            throw Problem("DataDirectory", shown: "Others may enter \(path): run 'chmod 700 \(path)' and try again.")
        }
    }

    /// The whole file as text; nil if it does not exist.
    static func read(_ path: String) throws -> String? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    /// Writes beside the file, syncs and renames, so that a full disk or a crash leaves the old one.
    static func write(_ text: String, to path: String, mode: mode_t) throws {
        let beside = path + ".new"
        unlink(beside)
        let file = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard file >= 0 else { throw Self.failure(path) }
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count > 0 else {
                close(file)
                unlink(beside)
                throw Self.failure(path)
            }
            done += count
        }
        guard fsync(file) == 0, close(file) == 0, rename(beside, path) == 0 else { throw Self.failure(path) }
    }

    private static func failure(_ path: String) -> Problem {
        Problem("DataDirectory", shown: "Cannot write \(path): \(String(cString: strerror(errno))).")
    }
}

extension PrivateFiles {
    /// The whole file as text; throws a `Problem` that names it when it is not there.
    static func required(_ path: String) throws -> String {
        guard let text = try Self.read(path) else {
            throw Problem("MissingFile", shown: "\(path) does not exist.")
        }
        return text
    }
}

import FoundationEssentials
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
public import Vocabulary

/// Where the command line keeps what it must remember: a directory that only its owner may enter.
public struct StateDirectory: Sendable {
    /// The directory.
    public let path: String

    /// `SALLY_CONFIG_DIR`, or `.sally` in the home directory; made with mode 0700 when missing.
    public init(environment: [String: String]) throws(Problem) {
        if let path = environment["SALLY_CONFIG_DIR"], !path.isEmpty {
            self.path = Self.absolute(path)
        } else if let home = environment["HOME"], !home.isEmpty {
            self.path = Self.absolute(home) + "/.sally"
        } else {
            throw Problem("StateDirectory", shown: "Neither SALLY_CONFIG_DIR nor HOME is set.")
        }
        var parent = ""
        for part in self.path.split(separator: "/").dropLast() {
            parent += "/" + part
            mkdir(parent, 0o755)
        }
        if mkdir(self.path, 0o700) != 0 {
            var status = stat()
            guard lstat(self.path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
                throw Problem("StateDirectory", shown: "\(self.path) is not a directory of yours.")
            }
            guard status.st_mode & 0o077 == 0 else {
                throw Problem("StateDirectory", shown: "Others may enter \(self.path): run 'chmod 700 \(self.path)'.")
            }
        }
    }

    /// The same file from every directory: what is remembered must not depend on where the program was started.
    public static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    /// A directory below this one, made with mode 0700.
    public func directory(_ name: String) -> String {
        let path = self.path + "/" + name
        mkdir(path, 0o700)
        return path
    }

    /// Reads a JSON file; nil when it does not exist.
    public func read<Value: Decodable>(_ type: Value.Type, from name: String) throws(Problem) -> Value? {
        let file = self.path + "/" + name
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        do {
            return try JSONDecoder().decode(type, from: Data(contentsOf: URL(filePath: file)))
        } catch {
            throw Problem(
                "StateDirectory",
                shown: "\(file) is damaged: remove it and sign in again.",
                logged: "\(error)"
            )
        }
    }

    /// Writes a JSON file with mode 0600, whole or not at all.
    public func write(_ value: some Encodable, to name: String) throws(Problem) {
        let bytes: Data
        do {
            bytes = try JSONText.encode(value)
        } catch {
            throw Problem("StateDirectory", shown: "The state cannot be written.", logged: "\(error)")
        }
        try self.write([UInt8](bytes), toFile: self.path + "/" + name)
    }

    /// Writes any file with mode 0600, whole or not at all.
    ///
    /// A link is followed: the file it names is replaced, the link stays.
    public func write(_ bytes: [UInt8], toFile name: String) throws(Problem) {
        let file = Self.target(of: name)
        let beside = "\(file).\(getpid())"
        unlink(beside)
        let descriptor = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure(file) }
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { bytes in
                #if canImport(Glibc)
                    Glibc.write(descriptor, bytes.baseAddress, bytes.count)
                #elseif canImport(Musl)
                    Musl.write(descriptor, bytes.baseAddress, bytes.count)
                #else
                    Darwin.write(descriptor, bytes.baseAddress, bytes.count)
                #endif
            }
            guard count > 0 else {
                if errno == EINTR { continue }
                let failure = Self.failure(file)
                close(descriptor)
                unlink(beside)
                throw failure
            }
            done += count
        }
        guard close(descriptor) == 0, rename(beside, file) == 0 else {
            let failure = Self.failure(file)
            unlink(beside)
            throw failure
        }
    }

    private static func target(of name: String) -> String {
        guard let resolved = realpath(name, nil) else { return name }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func failure(_ file: String) -> Problem {
        Problem("StateDirectory", shown: "Cannot write \(file): \(String(cString: strerror(errno))).")
    }
}

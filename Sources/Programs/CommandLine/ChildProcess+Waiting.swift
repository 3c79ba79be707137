#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import NIOPosix
import Vocabulary

/// Other programs whose end this one waits for.
extension ChildProcess {
    /// What a command printed and how it ended.
    struct Outcome: Sendable {
        /// The exit status; 128 and the number for a signal.
        var status: Int32
        /// Standard output and standard error together.
        var text: String
    }

    /// The first program of that name along `PATH`; nil when there is none.
    static func find(_ name: String, along path: String?) -> String? {
        (path ?? "").split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// Runs a command to its end, with nothing on standard input. Throws when it cannot be started.
    static func capture(_ path: String, _ arguments: [String], environment: [String: String]) throws(Problem) -> Outcome
    {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Self.failure(path, errno) }
        var process = pid_t()
        let code = Self.spawn(&process, path, arguments, environment: environment) { files in
            posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_adddup2(&files, ends[1], 1)
            posix_spawn_file_actions_adddup2(&files, ends[1], 2)
            for end in ends { posix_spawn_file_actions_addclose(&files, end) }
        }
        close(ends[1])
        defer { close(ends[0]) }
        guard code == 0 else { throw Self.failure(path, code) }
        let text = Self.all(of: ends[0])
        let status = Self.wait(for: process)
        return Outcome(status: status < 0 ? 128 - status : status, text: text)
    }

    /// Runs a program of the person's own, with this one's terminal, to its end; the exit status, or less than zero for a signal.
    ///
    /// Ctrl-C is the program's then. When this program is told to stop, `file` and the directory it is alone in go first.
    static func attend(_ path: String, _ arguments: [String], environment: [String: String], leaving file: String)
        async throws -> Int32
    {
        leftover = (strdup(file), strdup(String(file.prefix(upTo: file.lastIndex(of: "/") ?? file.startIndex))))
        for number in [SIGINT, SIGQUIT] { signal(number, SIG_IGN) }
        let code = Self.spawn(&attended, path, arguments, environment: environment)
        guard code == 0 else { throw Self.failure(path, code) }
        for number in [SIGTERM, SIGHUP] { signal(number, takeAway) }
        let process = attended
        return try await NIOThreadPool.singleton.runIfActive { Self.wait(for: process) }
    }

    private static func wait(for process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
    }

    private static func all(of descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            // What such commands print is short; the rest of an endless text is not kept.
            if bytes.count < 4 << 20 { bytes += chunk[..<count] }
        }
    }

    private static func failure(_ path: String, _ code: Int32) -> Problem {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return Problem("CannotStart", shown: "\(name) cannot be started: \(String(cString: strerror(code))).")
    }
}

// What a program that is told to stop takes along. Written before the handler that reads it is in place, by the one task that waits;
// the handler itself makes only calls that POSIX allows there.
nonisolated(unsafe) private var leftover: (file: UnsafeMutablePointer<CChar>?, directory: UnsafeMutablePointer<CChar>?)
nonisolated(unsafe) private var attended = pid_t()
private let takeAway: @convention(c) (Int32) -> Void = { number in
    if let file = leftover.file { unlink(file) }
    if let directory = leftover.directory { rmdir(directory) }
    if attended > 0 { kill(attended, SIGTERM) }
    signal(number, SIG_DFL)
    raise(number)
}

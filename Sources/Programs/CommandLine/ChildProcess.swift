#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import Vocabulary

/// Other programs: started beside this one, or in its place.
enum ChildProcess {
    /// Starts a program and forgets it; nothing happens when it is not there.
    static func start(_ path: String, _ arguments: [String]) {
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        // Its complaints would land in the middle of ours.
        #if canImport(Darwin)
            var files: posix_spawn_file_actions_t?
        #else
            var files = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        for (descriptor, flags) in [(Int32(0), O_RDONLY), (1, O_WRONLY), (2, O_WRONLY)] {
            posix_spawn_file_actions_addopen(&files, descriptor, "/dev/null", flags, 0)
        }
        var process = pid_t()
        _ = posix_spawn(&process, path, &files, nil, &words, environ)
    }

    /// Becomes another program: on success this never returns. The terminal, signals and exit status are then the program's own.
    static func become(_ name: String, _ arguments: [String]) throws -> Never {
        var words: [UnsafeMutablePointer<CChar>?] = ([name] + arguments).map { strdup($0) } + [nil]
        // The event loops ignore this signal; what is ignored stays so in the next program, and pipes after ssh would not end.
        signal(SIGPIPE, SIG_DFL)
        execvp(name, &words)
        let reason = String(cString: strerror(errno))
        words.forEach { free($0) }
        throw Problem("CannotStart", shown: "\(name) cannot be started: \(reason). Is it installed?")
    }

    /// The path of this very program, for hooks that call it again.
    static var own: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { return CommandLine.arguments.first ?? "sally" }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

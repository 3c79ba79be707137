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
        // Its complaints would land in the middle of ours.
        var process = pid_t()
        _ = Self.spawn(&process, path, arguments) { files in
            for (descriptor, flags) in [(Int32(0), O_RDONLY), (1, O_WRONLY), (2, O_WRONLY)] {
                posix_spawn_file_actions_addopen(&files, descriptor, "/dev/null", flags, 0)
            }
        }
    }

    /// Starts a program with this one's files, changed as `changing` says; zero, or the number of the error.
    ///
    /// The program hears every signal, as one that a shell starts: the threads that tasks run on hold all of them back, and a program inherits
    /// that.
    static func spawn(
        _ process: inout pid_t,
        _ path: String,
        _ arguments: [String],
        environment: [String: String]? = nil,
        changing: (inout Files) -> Void = { _ in }
    ) -> Int32 {
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        let own: [UnsafeMutablePointer<CChar>?] = (environment ?? [:]).map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + own).forEach { free($0) } }
        #if canImport(Darwin)
            var files: Files
            var attributes: posix_spawnattr_t?
        #else
            var files = Files()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        changing(&files)
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGINT, SIGQUIT, SIGPIPE] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))
        guard environment != nil else { return posix_spawn(&process, path, &files, &attributes, &words, environ) }
        var variables = own
        return posix_spawn(&process, path, &files, &attributes, &words, &variables)
    }

    #if canImport(Darwin)
        typealias Files = posix_spawn_file_actions_t?
    #else
        typealias Files = posix_spawn_file_actions_t
    #endif

    /// Becomes another program: on success this never returns. The terminal, signals and exit status are then the program's own.
    static func become(_ name: String, _ arguments: [String]) throws -> Never {
        var words: [UnsafeMutablePointer<CChar>?] = ([name] + arguments).map { strdup($0) } + [nil]
        // The event loops ignore this signal; what is ignored stays so in the next program, and pipes after ssh would not end. The threads
        // that tasks run on hold all signals back; what is held back stays so, too, and Ctrl-C would do nothing.
        signal(SIGPIPE, SIG_DFL)
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
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

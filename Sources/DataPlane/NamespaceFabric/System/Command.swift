import CLinux
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs programs of the box with arguments as they are: no shell ever sees a name or a path.
enum Command {
    private static let environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]

    /// Runs a program to its end, at most `seconds`, and returns what it printed; throws when it fails. Blocks the thread.
    ///
    /// The program sees the network namespace of the calling thread.
    @discardableResult
    static func run(
        _ arguments: [String],
        input: String? = nil,
        seconds: Int = 30,
        environment more: [String] = []
    ) throws(FabricError) -> String {
        let name = arguments.first ?? ""
        let output = try Pipe.make()
        let source = try input.map { (text) throws(FabricError) in try Self.file(holding: text) }
        defer { source.map { _ = close($0) } }
        let child: pid_t
        do {
            child = try Self.start(
                arguments,
                files: [source ?? -1, output.write, output.write],
                environment: more
            )
        } catch {
            output.closeBoth()
            throw error
        }
        close(output.write)
        defer { close(output.read) }
        let (said, isLate) = Self.drain(output.read, child, seconds)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        guard !isLate else { throw .late("\(name) took more than \(seconds) seconds.") }
        guard status == 0 else { throw .program(arguments.joined(separator: " "), said: said) }
        return said
    }

    // Whole before the program starts, whatever becomes of us: half of a filter would be one that lets more through.
    private static func file(holding text: String) throws(FabricError) -> Int32 {
        let made = clinux_memory_file()
        guard made >= 0 else { throw .last("memfd_create", of: "") }
        guard Descriptor.writeAll(Array(text.utf8), to: made), lseek(made, 0, SEEK_SET) == 0 else {
            let failure = FabricError.last("write", of: "an input")
            close(made)
            throw failure
        }
        return made
    }

    /// Starts a program with the given standard input, output, error and further descriptors (-1: nothing) in a session of its own.
    static func start(
        _ arguments: [String],
        files: [Int32],
        environment more: [String] = [],
        isOwnSession: Bool = false
    ) throws(FabricError) -> pid_t {
        guard let program = arguments.first else { throw .order(code: "InvalidOrder", "No program to run.") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, file) in files.enumerated() {
            let place = Int32(number)
            if file < 0 {
                posix_spawn_file_actions_addopen(&actions, place, "/dev/null", O_RDWR, 0)
            } else {
                posix_spawn_file_actions_adddup2(&actions, file, place)
            }
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The service ignores SIGPIPE, and what is ignored stays so in the next program.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        if isOwnSession { flags |= 0x80 }  // POSIX_SPAWN_SETSID, which the C library's module does not show.
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var words = Self.strings(arguments)
        var variables = Self.strings(Self.environment + more)
        defer { (words + variables).forEach { free($0) } }
        var child: pid_t = 0
        let failure = posix_spawnp(&child, program, &actions, &attributes, &words, &variables)
        guard failure == 0 else { throw .system(call: "start", of: program, number: failure) }
        return child
    }

    /// A list of C strings with its end; the caller frees them.
    static func strings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        var list: [UnsafeMutablePointer<CChar>?] = []
        for text in texts { list.append(strdup(text)) }
        list.append(nil)
        return list
    }

    private static func drain(_ descriptor: Int32, _ child: pid_t, _ seconds: Int) -> (String, isLate: Bool) {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        let end = Stopwatch(seconds: Double(seconds))
        while true {
            guard Descriptor.wait(descriptor, for: POLLIN, until: end) else {
                kill(child, SIGKILL)
                return (String(decoding: bytes, as: UTF8.self), true)
            }
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return (String(decoding: bytes, as: UTF8.self), false) }
            if bytes.count < 256 << 10 { bytes += chunk[..<count] }
        }
    }
}

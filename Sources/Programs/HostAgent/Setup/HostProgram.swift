#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs programs of the host, with arguments as they are: no shell ever sees a name or a path (X57).
struct HostProgram: Sendable {
    /// What became of a run.
    struct Outcome: Hashable, Sendable {
        /// The exit status; 128 and the signal's number for a program that was killed.
        var status: Int32
        /// What it wrote to both outputs.
        var output: String

        /// The same on one line, for a message.
        var sentence: String {
            self.output.split(whereSeparator: \.isNewline).map(\.trimmed).filter { !$0.isEmpty }.joined(separator: "; ")
        }
    }

    /// Runs a program and waits for it, at most `seconds`. Blocks: call it where that harms nobody.
    ///
    /// `input`, at most a pipe's buffer (4 KB), is what it reads; no argument, because anybody may read those.
    static func run(
        _ arguments: [String],
        seconds: Int = 20,
        input: [UInt8] = []
    ) throws(HostAgentError) -> Outcome {
        let source = try Self.source(input)
        defer { if let source { close(source) } }
        let ends = try Self.pipe()
        defer { close(ends.read) }
        let child: pid_t
        do {
            defer { close(ends.write) }
            let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]
            child = try Self.start(arguments, environment, input: source, output: ends.write, errors: ends.write)
        }
        let output = Self.drain(ends.read, child: child, seconds: seconds)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        let signal = status & 0x7f
        return Outcome(status: signal == 0 ? status >> 8 & 0xff : 128 + signal, output: output)
    }

    /// Starts a program with these descriptors as its input (nothing to read without one) and outputs; `leadsGroup` puts it and what it starts
    /// into a process group of its own.
    static func start(
        _ arguments: [String],
        _ environment: [String],
        input: Int32? = nil,
        output: Int32,
        errors: Int32,
        leadsGroup: Bool = false
    ) throws(HostAgentError) -> pid_t {
        guard let program = arguments.first else { throw .configuration("no program to run") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        if leadsGroup { posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP)) }
        var words = arguments.map { strdup($0) } + [nil]
        var variables = environment.map { strdup($0) } + [nil]
        defer { (words + variables).forEach { free($0) } }
        var child: pid_t = 0
        let failure = posix_spawn(&child, program, &actions, &attributes, &words, &variables)
        guard failure == 0 else { throw .system(call: "spawn", path: program, code: failure) }
        return child
    }

    /// The path of the first of these that exists.
    static func find(_ candidates: [String]) -> String? {
        candidates.first { HostFile.exists($0) }
    }

    /// The end of a pipe from which these bytes can be read and nothing more; nil when there are none.
    private static func source(_ bytes: [UInt8]) throws(HostAgentError) -> Int32? {
        guard !bytes.isEmpty else { return nil }
        guard bytes.count <= 4096 else { throw .configuration("more input than a pipe holds") }
        let ends = try Self.pipe()
        defer { close(ends.write) }
        do throws(HostAgentError) {
            try HostFile.write(bytes, to: ends.write, path: "a pipe")
        } catch {
            close(ends.read)
            throw error
        }
        return ends.read
    }

    /// A pipe that programs do not inherit.
    static func pipe() throws(HostAgentError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard systemPipe(&ends) == 0 else { throw .system(call: "pipe", path: "", code: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func drain(_ descriptor: Int32, child: pid_t, seconds: Int) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        var left = seconds * 1000
        while true {
            var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let step = min(left, 500)
            let ready = poll(&watched, 1, Int32(step))
            if ready == 0 {
                left -= step
                if left <= 0 {
                    kill(child, SIGKILL)
                    return String(decoding: bytes, as: UTF8.self) + "\n(stopped after \(seconds) s)"
                }
                continue
            }
            if ready < 0 && errno == EINTR { continue }
            let count = HostFile.retrying { read(descriptor, &chunk, chunk.count) }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            if bytes.count < 256 << 10 { bytes += chunk[..<count] }
        }
    }
}

// `HostProgram` has a `pipe` of its own, which would hide the system's.
private func systemPipe(_ ends: UnsafeMutablePointer<Int32>) -> Int32 {
    pipe(ends)
}

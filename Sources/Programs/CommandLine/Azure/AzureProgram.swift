import FoundationEssentials
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import Vocabulary

/// The Azure CLI on this computer.
struct AzureProgram: Sendable {
    /// What a command printed and how it ended.
    struct Outcome: Sendable {
        var status: Int32
        var text: String
    }

    /// Where it is.
    let path: String
    /// What it is told besides the environment of this program.
    let environment: [String: String]

    /// Looks along `PATH`; nil when it is not installed.
    init?(searching environment: [String: String], adding more: [String: String]) {
        let places = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/az" }
        guard let path = places.first(where: { access($0, X_OK) == 0 }) else { return nil }
        self.path = path
        self.environment = environment.merging(more) { $1 }
    }

    /// Runs a command to its end. Throws when it cannot be started.
    func run(_ arguments: [String]) throws(Problem) -> Outcome {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Self.failure(errno) }
        var words: [UnsafeMutablePointer<CChar>?] = ([self.path] + arguments).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = self.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + variables).forEach { free($0) } }
        #if canImport(Darwin)
            var files: posix_spawn_file_actions_t?
        #else
            var files = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&files, ends[1], 1)
        posix_spawn_file_actions_adddup2(&files, ends[1], 2)
        for end in ends { posix_spawn_file_actions_addclose(&files, end) }
        var process = pid_t()
        let code = posix_spawn(&process, self.path, &files, nil, &words, &variables)
        close(ends[1])
        defer { close(ends[0]) }
        guard code == 0 else { throw Self.failure(code) }
        let text = Self.all(of: ends[0])
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return Outcome(status: status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f), text: text)
    }

    private static func all(of descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            // What it prints here is short; the rest of an endless text is not kept.
            if bytes.count < 4 << 20 { bytes += chunk[..<count] }
        }
    }

    private static func failure(_ code: Int32) -> Problem {
        Problem("CannotStart", shown: "az cannot be started: \(String(cString: strerror(code))).")
    }
}

import AgentWire
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs a script of the server's as root, in a process group of its own, for a limited time and with a limited memory of what it wrote.
///
/// Source: Azure Run Command for Linux: a shell script, its parameters in order, the last 4096 bytes of each output.
struct ScriptRun {
    /// What became of it.
    struct Outcome: Hashable, Sendable {
        var status: Int32
        var output: String
        var errors: String
    }

    private static let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    /// How long outputs may stay open after the script itself is over: something in the background holds them.
    private static let patience = 500
    private static let step = 100

    private let text: String
    private let parameters: [HostTask.Parameter]
    private let directory: String

    init(_ text: String, parameters: [HostTask.Parameter], directory: String) {
        self.text = text
        self.parameters = parameters
        self.directory = directory
    }

    /// Runs it and waits. Blocks.
    func run(seconds: Int, _ stop: StopFlag) throws(HostAgentError) -> Outcome {
        try HostFile.makeDirectory(self.directory, mode: 0o700)
        let file = self.directory + "/script"
        try HostFile.replace(file, with: Array(self.text.utf8), .root(0o700), durable: false)
        defer { unlink(file) }
        // A script says itself what reads it; one that does not is read by the shell.
        let words = (self.text.hasPrefix("#!") ? [file] : ["/bin/sh", file]) + self.parameters.map(\.value)
        let output = try HostProgram.pipe()
        defer { close(output.read) }
        let errors: (read: Int32, write: Int32)
        do throws(HostAgentError) {
            errors = try HostProgram.pipe()
        } catch {
            close(output.write)
            throw error
        }
        defer { close(errors.read) }
        let child: pid_t
        do {
            defer { [output.write, errors.write].forEach { close($0) } }
            child = try HostProgram.start(
                words,
                self.environment,
                output: output.write,
                errors: errors.write,
                leadsGroup: true
            )
        }
        var tails = (Tail(output.read), Tail(errors.read))
        return Self.wait(for: child, &tails, seconds: seconds, stop)
    }

    // Azure gives parameters by their place and, where they have a name that a shell can use, by that.
    private var environment: [String] {
        let named = self.parameters.filter { Self.isName($0.name) && $0.name != "PATH" && !$0.name.hasPrefix("LD_") }
        return [Self.path, "HOME=/root", "LANG=C.UTF-8"] + named.map { "\($0.name)=\($0.value)" }
    }

    private static func isName(_ text: String) -> Bool {
        let units = Array(text.utf8)
        let isWord = units.allSatisfy { unit in
            unit == UInt8(ascii: "_") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= unit
                || UInt8(ascii: "a")...UInt8(ascii: "z") ~= unit | 0x20
        }
        return isWord && units.first.map { !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0) } ?? false
    }

    private static func wait(for child: pid_t, _ tails: inout (Tail, Tail), seconds: Int, _ stop: StopFlag) -> Outcome {
        var status: Int32 = 0
        var left = seconds * 1000
        var silence = 0
        var isOver = false
        var note = ""
        while !tails.0.isOver || !tails.1.isOver || !isOver {
            var watched = [tails.0, tails.1].map {
                pollfd(fd: $0.isOver ? -1 : $0.descriptor, events: Int16(POLLIN), revents: 0)
            }
            let ready = poll(&watched, 2, Int32(Self.step))
            if ready > 0 {
                if watched[0].revents != 0 { tails.0.readMore() }
                if watched[1].revents != 0 { tails.1.readMore() }
            } else {
                left -= Self.step
                silence += isOver ? Self.step : 0
            }
            if !isOver { isOver = waitpid(child, &status, WNOHANG) == child }
            if isOver, silence >= Self.patience { break }
            guard !isOver, left <= 0 || stop.isSet else { continue }
            note = stop.isSet ? "\n(stopped: the agent ends)" : "\n(stopped after \(seconds) s)"
            // The group first: what the script started must not go on without it.
            kill(-child, SIGKILL)
            while waitpid(child, &status, 0) < 0 && errno == EINTR {}
            isOver = true
        }
        let signal = status & 0x7f
        return Outcome(
            status: signal == 0 ? status >> 8 & 0xff : 128 + signal,
            output: tails.0.text,
            errors: tails.1.text + note
        )
    }

    /// The end of what came out of a pipe.
    private struct Tail {
        let descriptor: Int32
        private(set) var isOver = false
        private var bytes: [UInt8] = []

        init(_ descriptor: Int32) {
            self.descriptor = descriptor
        }

        mutating func readMore() {
            var chunk = [UInt8](repeating: 0, count: 16 << 10)
            let count = HostFile.retrying { read(self.descriptor, &chunk, chunk.count) }
            guard count > 0 else {
                self.isOver = true
                return
            }
            self.bytes += chunk[..<count]
            if self.bytes.count > 64 << 10 { self.bytes.removeFirst(self.bytes.count - HostTaskResult.longestOutput) }
        }

        var text: String { String(decoding: self.bytes.suffix(HostTaskResult.longestOutput), as: UTF8.self) }
    }
}

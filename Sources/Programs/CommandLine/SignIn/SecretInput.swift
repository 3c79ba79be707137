#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import Vocabulary

/// Reads a password without showing it: never from an argument, which everybody on the machine could read.
enum SecretInput {
    /// Reads one line, from standard input or from the terminal without echo.
    static func read(prompt: String, standardInput: Bool) throws -> String {
        if standardInput || isatty(0) == 0 {
            guard let line = readLine(strippingNewline: true), !line.isEmpty else {
                throw Problem("NoPassword", shown: "Nothing came on standard input.")
            }
            return line
        }
        Output.prompt(prompt)
        tcgetattr(0, &terminal)
        var silent = terminal
        silent.c_lflag &= ~tcflag_t(ECHO)
        // Ctrl-C at the prompt must not leave a terminal that shows nothing.
        let restore: @convention(c) (Int32) -> Void = { number in
            tcsetattr(0, TCSANOW, &terminal)
            signal(number, SIG_DFL)
            raise(number)
        }
        let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
        for number in signals { signal(number, restore) }
        tcsetattr(0, TCSAFLUSH, &silent)
        defer {
            tcsetattr(0, TCSAFLUSH, &terminal)
            for number in signals { signal(number, SIG_DFL) }
            Output.note("")
        }
        guard let line = readLine(strippingNewline: true), !line.isEmpty else {
            throw Problem("NoPassword", shown: "Nothing was typed.")
        }
        return line
    }
}

// How the terminal was before the prompt. Written before the signal handler that reads it is in place, by the one task that asks.
nonisolated(unsafe) private var terminal = termios()

extension Output {
    /// Prints a question on standard error, without a line end.
    static func prompt(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            _ = write(2, bytes.baseAddress, bytes.count)
        }
    }
}

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
        var before = termios()
        tcgetattr(0, &before)
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(0, TCSAFLUSH, &silent)
        defer {
            tcsetattr(0, TCSAFLUSH, &before)
            Output.note("")
        }
        guard let line = readLine(strippingNewline: true), !line.isEmpty else {
            throw Problem("NoPassword", shown: "Nothing was typed.")
        }
        return line
    }
}

extension Output {
    /// Prints a question on standard error, without a line end.
    static func prompt(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            _ = write(2, bytes.baseAddress, bytes.count)
        }
    }
}

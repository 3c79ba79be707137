/// Text from outside made fit for a log line or a terminal.
public enum PrintableText {
    /// Replaces control characters, line and paragraph separators and direction overrides by `?`, and cuts after `limit` characters.
    ///
    /// Names from outside may hold escape sequences that would act on the reader's terminal, or line ends that would forge log lines.
    public static func of(_ text: String, limit: Int = 256) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(limit) {
            switch scalar.value {
            case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029, 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069:
                out.append("?")
            default: out.append(scalar)
            }
        }
        return String(out)
    }
}

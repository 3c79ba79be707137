/// Text from outside made fit for a log line or a terminal.
public enum PrintableText {
    /// Replaces control characters, line and paragraph separators and direction overrides by `?`, and cuts after `limit` characters.
    ///
    /// Names from outside may hold escape sequences that would act on the reader's terminal, or line ends that would forge log lines.
    public static func of(_ text: String, limit: Int = 256) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(limit) {
            out.append(Self.isHarmless(scalar) ? scalar : "?")
        }
        return String(out)
    }

    /// Whether a character neither acts on a terminal nor hides or reorders its neighbours.
    ///
    /// Joiners stay: Persian and emoji need them. Source: Unicode Technical Report 36, section 3; Unicode 16 `Bidi_Control`, tags.
    public static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a...0x202e, 0x2060...0x206f, 0xfeff,
            0xfff9...0xfffb, 0xe0000...0xe007f:
            false
        default: true
        }
    }
}

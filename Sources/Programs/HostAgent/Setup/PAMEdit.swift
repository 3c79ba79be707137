/// Puts our module into the PAM files of sshd and of xrdp's session manager, and takes it out. Source: pam.conf(5).
enum PAMEdit {
    // Success ends the step; anything else leaves it to the modules behind, as if we were not there: local people sign in as ever.
    private static let authentication = "auth       sufficient    pam_sallyport.so"
    // `ignore` lets names that are not ours pass untouched; anything but success ends the step, so that no later module can undo a refusal.
    private static let account = "account    [success=ok ignore=ignore default=die]    pam_sallyport.so"
    private static let session = "session    [success=ok ignore=ignore default=die]    pam_sallyport.so"

    /// The text with our lines: the account line before the others except `pam_nologin`, the session line at the end, after `pam_loginuid` has given
    /// the session its number.
    static func adding(to text: String) -> String {
        var lines = MarkedText.removingAll(from: MarkedText.ended(text))
            .split(separator: "\n" as Character, omittingEmptySubsequences: false).map(String.init)
        let place =
            lines.firstIndex { Self.isLine($0, of: "account") && !$0.contains("pam_nologin") } ?? lines.count - 1
        let block = MarkedText.block("account", [Self.account]).split(separator: "\n" as Character).map(String.init)
        lines.insert(contentsOf: block, at: max(0, place))
        return MarkedText.ended(lines.joined(separator: "\n")) + MarkedText.block("session", [Self.session])
    }

    /// The text of xrdp's file with our lines: those of sshd's, and one that knows one-time passwords before the others of its step; what only sets
    /// variables stays in front of it.
    static func addingDesktop(to text: String) -> String {
        var lines = Self.adding(to: text).split(separator: "\n" as Character, omittingEmptySubsequences: false)
            .map(String.init)
        let place = lines.firstIndex { Self.isLine($0, of: "auth") && !$0.contains("pam_env") } ?? 0
        let block = MarkedText.block("auth", [Self.authentication]).split(separator: "\n" as Character).map(String.init)
        lines.insert(contentsOf: block, at: place)
        return lines.joined(separator: "\n")
    }

    /// Whether our lines are in xrdp's file.
    static func isDesktopAdded(to text: String) -> Bool {
        Self.isAdded(to: text) && text.split(separator: "\n" as Character).contains(Substring(Self.authentication))
    }

    /// Whether our lines are in.
    static func isAdded(to text: String) -> Bool {
        let lines = text.split(separator: "\n" as Character)
        return lines.contains(Substring(Self.account)) && lines.contains(Substring(Self.session))
    }

    private static func isLine(_ line: String, of step: String) -> Bool {
        let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard words.count >= 2 else { return false }
        let kind = words[0].lowercased()
        return kind == step || kind == "-" + step
            || (kind == "@include" && (words[1] == "common-\(step)" || words[1].hasSuffix("/common-\(step)")))
    }
}

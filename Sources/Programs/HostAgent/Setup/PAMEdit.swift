/// Puts our module into sshd's PAM file, and takes it out. Source: pam.conf(5).
enum PAMEdit {
    // `ignore` lets names that are not ours pass untouched; anything but success ends the step, so that no later module can undo a refusal.
    private static let account = "account    [success=ok ignore=ignore default=die]    pam_sallyport.so"
    private static let session = "session    [success=ok ignore=ignore default=die]    pam_sallyport.so"

    /// The text with our lines: the account line before the others except `pam_nologin`, the session line at the end, after `pam_loginuid` has given
    /// the session its number.
    static func adding(to text: String) -> String {
        var lines = MarkedText.removingAll(from: MarkedText.ended(text))
            .split(separator: "\n" as Character, omittingEmptySubsequences: false).map(String.init)
        let place = lines.firstIndex { Self.isAccountLine($0) && !$0.contains("pam_nologin") } ?? lines.count - 1
        let block = MarkedText.block("account", [Self.account]).split(separator: "\n" as Character).map(String.init)
        lines.insert(contentsOf: block, at: max(0, place))
        return MarkedText.ended(lines.joined(separator: "\n")) + MarkedText.block("session", [Self.session])
    }

    /// Whether our lines are in.
    static func isAdded(to text: String) -> Bool {
        let lines = text.split(separator: "\n" as Character)
        return lines.contains(Substring(Self.account)) && lines.contains(Substring(Self.session))
    }

    private static func isAccountLine(_ line: String) -> Bool {
        let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard words.count >= 2 else { return false }
        let kind = words[0].lowercased()
        return kind == "account" || kind == "-account"
            || (kind == "@include" && (words[1] == "common-account" || words[1].hasSuffix("/common-account")))
    }
}

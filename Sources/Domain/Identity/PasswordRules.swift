import Vocabulary

/// Which passwords may be chosen. Source: Microsoft Entra ID, "Password policies and restrictions" and "Eliminate bad passwords".
enum PasswordRules {
    /// Why a password cannot be used; nil when it can. `userName` and `names` must not be found in it.
    static func judge(
        _ password: Secret<[UInt8]>,
        userName: String,
        names: [String?],
        banned: [String] = Self.banned
    ) -> Refusal? {
        password.withValue { bytes in
            guard (8...256).contains(bytes.count) else {
                return Self.refusal("A password needs 8 to 256 characters.")
            }
            guard bytes.allSatisfy({ (0x20...0x7e).contains($0) }) else {
                return Self.refusal("A password is made of ASCII letters, digits, symbols and blanks.")
            }
            guard Self.classes(bytes) >= 3 else {
                return Self.refusal(
                    "A password needs three of: lower-case letters, upper-case letters, digits, symbols."
                )
            }
            let plain = Self.normalised(bytes)
            let local = String(userName.prefix { $0 != "@" })
            for name in [local] + names.compactMap(\.self) where name.utf8.count >= 4 {
                guard !plain.contains(Self.normalised(Array(name.utf8))) else {
                    return Self.refusal("A password must not contain the person's name.")
                }
            }
            guard Self.score(plain, banned: banned) >= 5 else {
                return Self.refusal("The password is too easy to guess: it consists of common words.")
            }
            return nil
        }
    }

    /// Words that count as one character each.
    static let banned = [
        "password", "passwort", "welcome", "qwerty", "letmein", "iloveyou", "administrator", "admin", "login", "dragon",
        "monkey",
        "football", "sunshine", "princess", "master", "shadow", "abc123", "12345678", "123456", "1234", "changeme",
        "secret",
        "summer", "winter", "spring", "autumn", "sallyport", "azure", "microsoft",
    ].sorted { $0.utf8.count > $1.utf8.count }

    private static func refusal(_ reason: String) -> Refusal {
        Refusal("PasswordNotAcceptable", reason: reason, remedy: "Choose another one.")
    }

    private static func classes(_ bytes: [UInt8]) -> Int {
        let lower = bytes.contains { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
        let upper = bytes.contains { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        let digit = bytes.contains { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let symbol = bytes.contains { !Name.isLetterOrDigit($0) }
        return [lower, upper, digit, symbol].count { $0 }
    }

    /// Lower case, with the usual replacements of letters undone.
    private static func normalised(_ bytes: [UInt8]) -> String {
        let swaps: [UInt8: UInt8] = [
            UInt8(ascii: "0"): UInt8(ascii: "o"), UInt8(ascii: "1"): UInt8(ascii: "l"),
            UInt8(ascii: "$"): UInt8(ascii: "s"), UInt8(ascii: "@"): UInt8(ascii: "a"),
        ]
        return String(decoding: bytes.map { swaps[$0] ?? $0 }, as: UTF8.self).lowercased()
    }

    /// One point for each banned word and one for each character that is left.
    private static func score(_ plain: String, banned: [String]) -> Int {
        var rest = Array(plain.utf8)
        var points = 0
        for word in banned.map({ Array(Self.normalised(Array($0.utf8)).utf8) }) {
            while let place = Self.firstPlace(of: word, in: rest) {
                // A blank in its place keeps the two sides from forming a new word; it is not counted.
                rest.replaceSubrange(place..<(place + word.count), with: [0])
                points += 1
            }
        }
        return points + rest.count { $0 != 0 }
    }

    private static func firstPlace(of word: [UInt8], in text: [UInt8]) -> Int? {
        guard text.count >= word.count else { return nil }
        return (0...(text.count - word.count)).first { text[$0..<($0 + word.count)].elementsEqual(word) }
    }
}

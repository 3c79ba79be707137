import Vocabulary

/// How the names of outputs are shown: Azure begins them with small letters, and `az vmss create` asks for `vmss` where its template says `VMSS`.
enum OutputNames {
    /// `VMSS` is `vmss`, `URLText` is `urlText`, `Id` is `id`: capitals at the beginning become small, but for the one that begins a word.
    static func shown(_ name: String) -> String {
        let letters = Array(name)
        let capitals = letters.prefix { $0.isUppercase }.count
        let isFollowedByWord = capitals < letters.count && letters[capitals].isLowercase
        let count = capitals > 1 && isFollowedByWord ? capitals - 1 : capitals
        return String(letters.prefix(count)).lowercased() + String(letters.dropFirst(count))
    }

    /// Outputs under the names that are shown.
    static func shown(_ outputs: JSONValue) -> JSONValue {
        .object(
            Dictionary(
                (outputs.object ?? [:]).map { (Self.shown($0.key), $0.value) },
                uniquingKeysWith: { first, _ in first }
            )
        )
    }
}

import Vocabulary

/// The place where the next page of a list begins, as an opaque text that belongs to one query.
///
/// Guards against mistakes, not against people: each page is decided anew, so a forged token shows nothing that its maker may not see.
struct SkipToken: Sendable {
    private static let form: UInt8 = 1

    private let mark: [UInt8]

    /// The tokens of a query: of its path, its filter and what it expands.
    init(_ request: ARMRequest) {
        self.init(query: [request.path.key, request.filter ?? "", request.expand?.lowercased() ?? ""])
    }

    /// The tokens of a query with these parts.
    init(query parts: [String]) {
        // FNV-1a with 64 bits; a part cannot run into the next, because none holds a zero byte in it.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for unit in parts.flatMap({ Array($0.utf8) + [0 as UInt8] }) {
            hash = (hash ^ UInt64(unit)) &* 0x0000_0100_0000_01b3
        }
        let value = hash
        self.mark = (UInt64(0)..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// The token of the page after a key.
    func write(after key: String) -> String {
        Base64URL.encode([Self.form] + self.mark + Array(key.utf8))
    }

    /// The key in a token; throws `InvalidSkipToken` for anything else than what this query gave out.
    func read(_ text: String) throws(Problem) -> String {
        guard text.utf8.count <= 4096, let bytes = Base64URL.decode(text), bytes.count > 9, bytes[0] == Self.form,
            Array(bytes[1..<9]) == self.mark, let key = String(validating: bytes[9...], as: UTF8.self)
        else {
            throw Problem(
                "InvalidSkipToken",
                shown: "The $skiptoken is not one that this service gave out for this list."
            )
        }
        return key
    }
}

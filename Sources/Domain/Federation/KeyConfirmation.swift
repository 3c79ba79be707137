import Vocabulary

/// The key that a token is to be bound to, as the client names it. Source: RFC 7800 section 3.4, Microsoft identity platform (`req_cnf`).
public struct KeyConfirmation: Sendable, Hashable {
    /// The thumbprint of the key: 43 characters of base64url.
    public let keyID: String
    /// Where the client says the key is kept: `sw` unless it says something else.
    public let location: String

    /// The `cnf` claim.
    var claim: JSONValue { ["kid": .string(self.keyID), "xms_ksl": .string(self.location)] }

    /// Reads the parameter: base64url of a JSON object, or the object itself.
    init?(_ text: String) {
        guard text.utf8.count <= 4096 else { return nil }
        let bytes = text.hasPrefix("{") ? Array(text.utf8) : Base64URL.decode(text)
        guard
            let bytes, let object = try? JSONValue(parsing: bytes),
            let keyID = object["kid"]?.string, keyID.utf8.count == 43, Base64URL.decode(keyID)?.count == 32
        else { return nil }
        self.keyID = keyID
        self.location = object["xms_ksl"]?.string == "uhw" ? "uhw" : "sw"
    }
}

public import Vocabulary

/// The keys of the opening handshake. Source: RFC 6455 section 4.
public enum WebSocketHandshake {
    /// The only version there is.
    public static let version = "13"

    /// A key for a client's request: 16 random bytes in base 64.
    public static func newKey(from random: RandomSource = .system) -> String {
        Base64.encode(random.bytes(16))
    }

    /// Whether a client's key is what RFC 6455 demands: the base 64 of 16 bytes.
    public static func isKey(_ key: String) -> Bool {
        guard key.utf8.count == 24, key.hasSuffix("=="), !key.utf8.contains(where: { $0 == 0x2d || $0 == 0x5f }) else {
            return false
        }
        let units = key.utf8.map { unit -> UInt8 in
            switch unit {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: unit
            }
        }
        return Base64URL.decode(String(decoding: units, as: UTF8.self))?.count == 16
    }

    /// What the server answers to a key in `Sec-WebSocket-Accept`, and the client checks.
    public static func acceptance(of key: String) -> String {
        Base64.encode(SHA1.digest(of: Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
    }
}

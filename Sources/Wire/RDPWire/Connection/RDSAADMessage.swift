public import Vocabulary

/// The messages of a sign-in by web account: JSON in UTF-8, each ended by a NUL byte and with no other envelope.
///
/// Source: MS-RDPBCGR 2.2.18 and 5.4.5.4.
public enum RDSAADMessage {
    /// The longest assertion that is read, in bytes.
    public static let limit = 64 * 1024

    /// The host's first message: the nonce that the assertion must carry.
    public static func nonce(_ nonce: String) -> [UInt8] {
        JSONValue.object(["ts_nonce": .string(nonce)]).bytes + [0]
    }

    /// The host's answer.
    public static func result(_ result: RDSAADResult) -> [UInt8] {
        JSONValue.object(["authentication_result": .integer(Int64(Int32(bitPattern: result.code)))]).bytes + [0]
    }

    /// The length of the message that begins here, its NUL included; nil when more bytes are needed.
    ///
    /// - Parameter searched: how many bytes were looked at before, so that a message in many pieces is looked at once.
    public static func length(of bytes: [UInt8], searched: Int = 0) throws(RDPWireError) -> Int? {
        let end = bytes.dropFirst(searched).firstIndex(of: 0)
        guard end ?? bytes.count - 1 < Self.limit else { throw .tooLong("an assertion") }
        return end.map { $0 + 1 }
    }

    /// The compact JWS out of the client's message; `message` ends with its NUL.
    public static func assertion(parsing message: [UInt8]) throws(RDPWireError) -> String {
        guard message.last == 0, message.count <= Self.limit else { throw .malformed("an assertion without an end") }
        guard let document = try? JSONValue(parsing: message.dropLast()),
            let assertion = document["rdp_assertion"]?.string, !assertion.isEmpty
        else { throw .malformed("an assertion that is no JSON") }
        return assertion
    }
}

/// How a sign-in by web account went, as a Windows status that clients show by name. Source: MS-RDPBCGR 2.2.18.3.
public struct RDSAADResult: Hashable, Sendable {
    /// The status.
    public let code: UInt32

    /// Makes a result.
    public init(code: UInt32) {
        self.code = code
    }

    /// The one for the code of a refusal.
    public init(refusalCode: String) {
        self.code =
            switch refusalCode {
            case "DesktopTokenNotValid": 0x8009_0308
            case "LogonFailure": 0xc000_006d
            case "AccountDisabled": 0xc000_0072
            case "PasswordExpired": 0xc000_0071
            case "ServersUnavailable": 0xc000_005e
            default: 0x8007_0005
            }
    }

    /// The person is in.
    public static let succeeded = RDSAADResult(code: 0)
    /// Nobody could decide.
    public static let unavailable = RDSAADResult(refusalCode: "ServersUnavailable")
    /// The message is none.
    public static let notValid = RDSAADResult(refusalCode: "DesktopTokenNotValid")
}

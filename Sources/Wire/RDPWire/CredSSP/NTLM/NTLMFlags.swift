/// What both sides of NTLM agree on. Source: MS-NLMP section 2.2.2.5.
struct NTLMFlags: OptionSet, Sendable {
    let rawValue: UInt32

    static let unicode = NTLMFlags(rawValue: 0x1)
    static let requestTarget = NTLMFlags(rawValue: 0x4)
    static let sign = NTLMFlags(rawValue: 0x10)
    static let seal = NTLMFlags(rawValue: 0x20)
    static let ntlm = NTLMFlags(rawValue: 0x200)
    static let alwaysSign = NTLMFlags(rawValue: 0x8000)
    static let extendedSessionSecurity = NTLMFlags(rawValue: 0x8_0000)
    static let targetInfo = NTLMFlags(rawValue: 0x80_0000)
    static let version = NTLMFlags(rawValue: 0x0200_0000)
    static let key128 = NTLMFlags(rawValue: 0x2000_0000)
    static let keyExchange = NTLMFlags(rawValue: 0x4000_0000)
    static let key56 = NTLMFlags(rawValue: 0x8000_0000)

    /// Without these there is no sealing worth the name; every host that speaks CredSSP has them.
    static let needed: NTLMFlags = [
        .unicode, .sign, .seal, .extendedSessionSecurity, .targetInfo, .key128, .keyExchange,
    ]
    /// What the client asks for.
    static let asked: NTLMFlags = [
        .unicode, .requestTarget, .sign, .seal, .ntlm, .alwaysSign, .extendedSessionSecurity, .targetInfo, .version,
        .key128,
        .keyExchange, .key56,
    ]
}

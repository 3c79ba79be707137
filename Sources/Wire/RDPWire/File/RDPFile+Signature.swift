import Vocabulary

extension RDPFile {
    /// The properties that a signature covers, in the order in which it covers them.
    ///
    /// Display, sound and the token are not among them, so that those may be changed in a signed file. Source: rdpsign.
    public static let signable = [
        "Full Address", "Alternate Full Address", "PCB", "Use Redirection Server Name", "Server Port",
        "Negotiate Security Layer", "EnableCredSspSupport", "DisableConnectionSharing", "AutoReconnection Enabled",
        "GatewayHostname", "GatewayUsageMethod", "GatewayProfileUsageMethod", "GatewayCredentialsSource", "Support URL",
        "PromptCredentialOnce", "GatewayBrokeringType", "Require pre-authentication",
        "Pre-authentication server address", "Alternate Shell", "Shell Working Directory", "RemoteApplicationProgram",
        "RemoteApplicationExpandWorkingdir", "RemoteApplicationMode", "RemoteApplicationGuid", "RemoteApplicationName",
        "RemoteApplicationIcon", "RemoteApplicationFile", "RemoteApplicationFileExtensions",
        "RemoteApplicationCmdLine", "RemoteApplicationExpandCmdLine", "Prompt For Credentials",
        "Authentication Level", "AudioMode", "RedirectDrives", "RedirectPrinters", "RedirectCOMPorts",
        "RedirectSmartCards", "RedirectPOSDevices", "RedirectClipboard", "DevicesToRedirect", "DrivesToRedirect",
        "LoadBalanceInfo", "RedirectDirectX", "RDGIsKDCProxy", "KDCProxyName", "RedirectLocation",
        "RedirectWebAuthn", "EnableRdsAadAuth", "EventLogUploadAddress",
    ]

    /// The file with its lines signed; `sign` makes a detached CMS signature of a message, as DER.
    ///
    /// An old signature goes. Without an alternate address the file gets one, since the two are trusted together.
    public func signed(_ sign: ([UInt8]) throws -> [UInt8]) throws -> RDPFile {
        var file = self
        file.remove("signscope")
        file.remove("signature")
        if file["alternate full address"] == nil, let address = file["full address"] {
            try file.set("alternate full address", address)
        }
        let (scope, message) = file.messageToSign
        let signature = try sign(message)
        var block: [UInt8] = []
        for number in [0x0001_0001, 1, UInt32(signature.count)] as [UInt32] {
            withUnsafeBytes(of: number.littleEndian) { block.append(contentsOf: $0) }
        }
        try file.set("signscope", .text(scope))
        try file.set("signature", .text(Self.pieces(Base64.encode(block + signature))))
        return file
    }

    /// The names that a signature of this file covers, and what it is made of.
    public var messageToSign: (scope: String, message: [UInt8]) {
        let covered = Self.signable.compactMap { name in
            self.properties.first { $0.name.lowercased() == name.lowercased() }.map { (name, $0.line) }
        }
        let scope = covered.map(\.0).joined(separator: ",")
        let text = covered.map { $0.1 + "\r\n" }.joined() + "signscope:s:" + scope + "\r\n\0"
        return (scope, text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] })
    }

    // Sixty-four characters and two spaces each, as the Windows tool writes them.
    private static func pieces(_ text: String) -> String {
        var rest = text[...]
        var result = ""
        while !rest.isEmpty {
            result += rest.prefix(64) + "  "
            rest = rest.dropFirst(64)
        }
        return result
    }
}

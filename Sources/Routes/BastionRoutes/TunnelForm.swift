import Vocabulary

/// The form of `POST /api/tokens`.
struct TunnelForm: Sendable {
    /// The machine, or the pseudo-resource of an address.
    let target: ResourcePath?
    /// `tcptunnel`.
    let protocolName: String
    /// The port on the machine.
    let port: Int?
    /// The access token for the resource interface.
    let token: String
    /// The session that is to be continued.
    let continuing: String?

    /// Reads `application/x-www-form-urlencoded`; a name that comes twice makes the form empty.
    init(parsing text: String) {
        var fields: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let name = pair.prefix { $0 != "=" }
            guard let key = Self.decode(name), let value = Self.decode(pair.dropFirst(name.count + 1)),
                fields[key] == nil
            else {
                fields = [:]
                break
            }
            fields[key] = value
        }
        self.target = fields["resourceId"].flatMap { ResourcePath($0) }.flatMap { $0.segments.isEmpty ? nil : $0 }
        self.protocolName = fields["protocol"] ?? ""
        self.port = fields["workloadHostPort"].flatMap { text in
            text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
        }.flatMap { (1...65_535).contains($0) ? $0 : nil }
        self.token = fields["aztoken"] ?? ""
        self.continuing = fields["token"].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let unit = rest.popFirst() {
            switch unit {
            case UInt8(ascii: "+"):
                bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let decoded = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self)), decoded.count == 1
                else {
                    return nil
                }
                bytes += decoded
                rest = rest.dropFirst(2)
            default:
                bytes.append(unit)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

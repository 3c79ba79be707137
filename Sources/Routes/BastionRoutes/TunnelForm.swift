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

    /// Reads a form; one that cannot be read is empty.
    init(parsing body: some Collection<UInt8>) {
        let fields = FormFields(body)?.values ?? [:]
        self.target = fields["resourceId"].flatMap { ResourcePath($0) }.flatMap { $0.segments.isEmpty ? nil : $0 }
        self.protocolName = fields["protocol"] ?? ""
        self.port = fields["workloadHostPort"].flatMap { text in
            text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
        }.flatMap { (1...65_535).contains($0) ? $0 : nil }
        self.token = fields["aztoken"] ?? ""
        self.continuing = fields["token"].flatMap { $0.isEmpty ? nil : $0 }
    }
}

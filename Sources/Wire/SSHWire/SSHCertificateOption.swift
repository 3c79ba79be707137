/// One entry of a certificate's critical options or extensions.
///
/// A flag has no data; a valued option's data holds one more string inside. Source: OpenSSH PROTOCOL.certkeys.
public struct SSHCertificateOption: Hashable, Sendable {
    /// What it is called; names of our own end in `@` and a domain.
    public let name: String
    /// The bytes as they stand in the certificate.
    public let data: [UInt8]

    /// Takes name and data as they are.
    public init(name: String, data: [UInt8]) {
        self.name = name
        self.data = data
    }

    /// An option that says yes by being there.
    public static func flag(_ name: String) -> SSHCertificateOption {
        SSHCertificateOption(name: name, data: [])
    }

    /// An option with a text.
    public static func valued(_ name: String, _ value: String) -> SSHCertificateOption {
        var writer = SSHWriter(capacity: value.utf8.count + 4)
        writer.write(text: value)
        return SSHCertificateOption(name: name, data: writer.bytes)
    }

    /// The text of a valued option; nil for a flag and for data in a form of its own.
    public var value: String? {
        var reader = SSHReader(self.data)
        guard let text = try? reader.text(), reader.isAtEnd else { return nil }
        return text
    }

    /// A terminal.
    public static let permitPTY = flag("permit-pty")
    /// Forwarding of ports, both ways.
    public static let permitPortForwarding = flag("permit-port-forwarding")
    /// Forwarding of the user's agent.
    public static let permitAgentForwarding = flag("permit-agent-forwarding")
    /// Forwarding of X11.
    public static let permitX11Forwarding = flag("permit-X11-forwarding")
    /// The user's `~/.ssh/rc`.
    public static let permitUserRC = flag("permit-user-rc")

    /// Critical: only this command may run.
    public static func forceCommand(_ command: String) -> SSHCertificateOption {
        valued("force-command", command)
    }

    /// Critical: only from these addresses or CIDR ranges, separated by commas.
    public static func sourceAddress(_ addresses: [String]) -> SSHCertificateOption {
        valued("source-address", addresses.joined(separator: ","))
    }

    /// The critical options that OpenSSH's server knows; it refuses a login with any other.
    public static let knownCritical: Set<String> = ["force-command", "source-address", "verify-required"]

    /// Whether names rise strictly in byte order: sorted, each once.
    static func isOrdered(_ options: [SSHCertificateOption]) -> Bool {
        zip(options, options.dropFirst()).allSatisfy { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    static func read(from reader: inout SSHReader) throws(SSHWireError) -> [SSHCertificateOption] {
        var list = try reader.nested()
        var options: [SSHCertificateOption] = []
        while !list.isAtEnd {
            guard options.count < SSHWire.mostOptions else { throw .tooLong }
            let name = try list.text()
            options.append(SSHCertificateOption(name: name, data: try list.string()))
        }
        guard Self.isOrdered(options) else { throw .optionsOutOfOrder }
        return options
    }

    static func write(_ options: [SSHCertificateOption], to writer: inout SSHWriter) {
        writer.writeNested { list in
            for option in options {
                list.write(text: option.name)
                list.write(string: option.data)
            }
        }
    }
}

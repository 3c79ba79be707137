public import Vocabulary

/// A machine whose desktop somebody wants to sign in to.
public struct DesktopHost: Sendable, Hashable {
    /// The machine.
    public let machine: ResourcePath
    /// The name that it calls itself by.
    public let hostName: String
    /// Its joining: another one is another machine, whatever path and name it has.
    public let enrolment: GUID

    /// Names a machine.
    public init(machine: ResourcePath, hostName: String, enrolment: GUID) {
        self.machine = machine
        self.hostName = hostName
        self.enrolment = enrolment
    }

    /// What somebody says yes to: name, path and joining, any of which may be another machine's tomorrow.
    var identity: String {
        "\(self.hostName.lowercased())\n\(self.machine.key)\n\(self.enrolment)"
    }
}

/// The machines as this module sees them: by the names that desktop clients know them by.
public struct DesktopHosts: Sendable {
    /// The one enrolled machine with this host name that somebody may see; a refusal says what to do instead.
    public let find: @Sendable (_ hostName: String, _ subject: Subject) async -> Verdict<DesktopHost>

    /// Makes a look-up from a function.
    public init(_ find: @escaping @Sendable (_ hostName: String, _ subject: Subject) async -> Verdict<DesktopHost>) {
        self.find = find
    }
}

import AccessControl
import Federation
import Hosts
import Resources
import Vocabulary

extension House {
    /// Finds the machine that a desktop client means: the clients know only the name that the machine calls itself by.
    ///
    /// Machines that somebody may not see do not exist for them, as everywhere.
    var desktopNames: DesktopHosts {
        let registry = self.registry
        return DesktopHosts { name, subject in
            let found = registry.hosts(named: name).filter { self.isVisible($0.machine, to: subject) }
            if let host = found.first, found.count == 1 {
                return .allowed(DesktopHost(machine: host.machine, hostName: host.report.hostname, enrolment: host.id))
            }
            return .refused(found.isEmpty ? .desktopUnknown(name) : .desktopAmbiguous(name, found.map(\.machine)))
        }
    }

    /// Whether somebody may see a machine; for who may not, it does not exist.
    func isVisible(_ machine: ResourcePath, to subject: Subject) -> Bool {
        guard let type = self.resources.resource(machine)?.type else { return false }
        return self.accessControl.allows(.read(type), at: machine, for: subject)
    }
}

extension Refusal {
    fileprivate static func desktopUnknown(_ name: String) -> Refusal {
        let shown = PrintableText.of(name, limit: 253)
        let isAddress = name.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        return Refusal(
            "DesktopUnknown",
            reason: "The target device '\(shown)' was not found in the tenant.",
            remedy: isAddress
                ? "An IP address cannot be used with an organisation's account: connect by the machine's host name."
                : "Connect by the name that the machine itself reports ('hostname' on it), and make sure that it has joined "
                    + "and that you have Reader on it."
        )
    }

    fileprivate static func desktopAmbiguous(_ name: String, _ machines: [ResourcePath]) -> Refusal {
        Refusal(
            "DesktopAmbiguous",
            reason: "Several machines call themselves '\(PrintableText.of(name, limit: 253))': "
                + machines.prefix(4).map(\.description).joined(separator: ", ") + ".",
            remedy: "Ask an administrator to give them different host names."
        )
    }
}

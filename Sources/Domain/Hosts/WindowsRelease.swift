import Vocabulary

/// A release of Windows as a host reports it: by build number, which is what tells releases apart.
///
/// Source: Azure, "Sign in to a Windows virtual machine by using Microsoft Entra ID", requirements; Windows release information.
struct WindowsRelease: Sendable, Hashable {
    /// Whether it is a server.
    let isServer: Bool
    /// The build, for example 20348 for Windows Server 2022.
    let build: Int
    /// The revision that updates count up.
    let revision: Int

    /// Reads what a host says of itself; nil for another system, and for a version that is none.
    init?(_ report: HostReport) {
        guard report.osName.lowercased().contains("windows") else { return nil }
        self.isServer = report.osName.lowercased().contains("server")
        let numbers = report.osVersion.split(separator: ".").map { Int($0) }
        guard numbers.count >= 3, numbers[0] == 10, let build = numbers[2] else {
            // Something older than Windows 10, or nonsense: never a supported one.
            (self.build, self.revision) = (0, 0)
            return
        }
        self.build = build
        self.revision = numbers.count > 3 ? numbers[3] ?? 0 : 0
    }

    /// Whether the sign-in extension runs on it: Windows Server 2019 or Windows 10 version 1809 and later.
    var runsExtension: Bool { self.build >= 17_763 }

    /// Whether it takes an organisation's account by itself: Windows 10 20H2, Windows 11 and Windows Server 2022, each with the updates of
    /// October 2022. Others are reached through the front all the same, which signs in to them with a credential of the moment.
    var takesWebAccounts: Bool {
        switch self.build {
        case ..<19_042: false
        case 19_042...19_044: !self.isServer && self.revision >= 2130
        case 20_348: self.revision >= 1129
        case 22_000: self.revision >= 1098
        case 22_621: self.revision >= 674
        default: true
        }
    }

    /// The line about it in a machine's instance view.
    var status: JSONValue {
        [
            "code": .string("SignIn/webAccount/\(self.takesWebAccounts ? "supported" : "frontOnly")"), "level": "Info",
            "displayStatus": .string(
                self.takesWebAccounts
                    ? "Web accounts work" : "Web accounts work through the bastion, not straight from a client"
            ),
        ]
    }
}

/// Why signing in cannot be switched on for a Windows machine, in the words and codes of the extension `AADLoginForWindows`.
///
/// Source: Azure, "Sign in to a Windows virtual machine by using Microsoft Entra ID", troubleshooting.
extension Refusal {
    static let windowsUnsupported = Refusal(
        "ExitCode51",
        reason: "Non-zero exit code: 51. This extension is not supported on the VM's operating system.",
        remedy: "It needs Windows Server 2019 or Windows 10 1809 or later. Delete the extension."
    )

    static func windowsDuplicate(_ hostName: String, _ other: ResourcePath) -> Refusal {
        Refusal(
            "HostNameDuplicate",
            reason: "Hostname duplication: \(other) is joined under the host name '\(hostName)' already.",
            remedy: "Change the host name of one of them, restart it, and install the extension again."
        )
    }

    /// What a Windows host reported; nil for a code that has no words of its own.
    static func windowsFailure(_ code: Int) -> Refusal? {
        switch code {
        case 51: .windowsUnsupported
        case 1007, -2_145_648_574:
            Refusal(
                "ExitCode-2145648574",
                reason:
                    "Terminal error code: 1007, exit code: -2145648574 (DSREG_E_MSI_TENANTID_UNAVAILABLE). The machine could "
                    + "not find out which tenant it belongs to.",
                remedy:
                    "Turn its system-assigned identity on (az vm identity assign), let it join again, and install the "
                    + "extension again."
            )
        case -2_145_648_607:
            Refusal(
                "ExitCode-2145648607",
                reason: "Exit code: -2145648607 (DSREG_AUTOJOIN_DISC_FAILED). The machine cannot reach this service.",
                remedy:
                    "Check name resolution, proxy and firewall on it: its agent's 'test' command says which part fails."
            )
        default: nil
        }
    }
}

import Vocabulary

extension ResourceKind {
    /// Extensions: what is installed on a machine. Offered are those for signing in with the directory and for local accounts.
    ///
    /// Source: Azure virtual machine extensions REST; Azure "Sign in to a Linux virtual machine by using Microsoft Entra ID".
    static let virtualMachineExtension: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Compute/virtualMachines/extensions",
            properties: [
                "publisher": Member(.text(128), .required),
                "type": Member(.text(128), .required),
                "typeHandlerVersion": Member(.text(32), initial: "1.0"),
                "autoUpgradeMinorVersion": Member(.flag, initial: true),
                "enableAutomaticUpgrade": Member(.flag),
                "forceUpdateTag": Member(.text(128)),
                "settings": Member(.object([:])),
                "protectedSettings": Member(.anything, .writeOnly),
                "protectedSettingsFromKeyVault": Member(.anything, .writeOnly),
                "instanceView": Member(.anything, .readOnly),
            ]
        )
        kind.patching = .everything
        kind.isInstalled = { $0.handler?.actsOnMachine == true }
        kind.takesTime = true
        kind.carryOut = { resources, path in await resources.install(path) }
        kind.inspect = { body, installed, previous throws(Problem) in
            guard installed.handler == .accessForLinux else { return }
            let change = try AccessChange(body: body)
            guard previous != nil || change?.tasks.isEmpty == false else {
                throw .invalidContent(
                    "properties.protectedSettings",
                    "needs 'username' with 'password' or 'ssh_key', 'remove_user', or 'reset_ssh'"
                )
            }
        }
        kind.claims = { installed in
            guard let handler = installed.handler, let machine = installed.path.parent else { return [] }
            return [
                Claim(key: "handler:\(machine.key):\(handler)") { holder in
                    Problem(
                        "OperationNotAllowed",
                        shown: "Multiple VMExtensions per handler not supported for OS type 'Linux'. VMExtension "
                            + "'\(holder)' with the same handler is there already.",
                        logged: holder
                    )
                }
            ]
        }
        kind.complete = { installed, previous, plan throws(Problem) in
            let publisher = installed.properties["publisher"]?.string ?? ""
            let type = installed.properties["type"]?.string ?? ""
            guard let handler = ExtensionHandler(publisher: publisher, type: type) else {
                throw Problem(
                    "ArtifactNotFound",
                    shown: "The handler for VM extension type '\(PrintableText.of(type))' of publisher "
                        + "'\(PrintableText.of(publisher))' is not offered. Offered are "
                        + ExtensionHandler.allCases.map { "\($0.publisher)/\($0.rawValue)" }
                        .joined(separator: ", ") + "."
                )
            }
            installed.properties["publisher"] = .string(handler.publisher)
            installed.properties["type"] = .string(handler.rawValue)
            if let previous, previous.handler != handler {
                throw Problem(
                    "PropertyChangeNotAllowed",
                    shown: "The handler of extension '\(installed.name)' cannot change; delete it and create it again."
                )
            }
            if let previous, previous.isBusy, !plan.author.isSystem { throw .busy(previous) }
            guard handler.actsOnMachine else { return }
            // What it shall do is in what nobody keeps, so each request is a new one.
            let isRepeated = handler.isSignIn || plan.author.isSystem
            if let previous, isRepeated, previous.properties == installed.properties,
                plan.author.isSystem || !previous.hasFailed
            {
                installed.provisioningState = previous.provisioningState
                installed.failure = previous.failure
            } else {
                installed.provisioningState = previous == nil ? "Creating" : "Updating"
            }
        }
        kind.show = { document, installed, _, _ in
            document["properties"]?["instanceView"] = installed.extensionView
        }
        return kind
    }()
}

/// What can be installed on a machine.
enum ExtensionHandler: String, CaseIterable, CustomStringConvertible {
    /// Sign-in to Linux by SSH certificates.
    case signInForLinux = "AADSSHLoginForLinux"
    /// Its dead predecessor, which stands in its way.
    case oldSignInForLinux = "AADLoginForLinux"
    /// Sign-in to Windows.
    case signInForWindows = "AADLoginForWindows"

    /// Local accounts, their keys and passwords.
    case accessForLinux = "VMAccessForLinux"

    /// Who publishes it.
    var publisher: String {
        self == .accessForLinux ? "Microsoft.OSTCExtensions" : Self.signInPublisher
    }

    static let signInPublisher = "Microsoft.Azure.ActiveDirectory"

    /// Reads publisher and type in any letter case; the predecessor also had a publisher of its own.
    init?(publisher: String, type: String) {
        let given = publisher.lowercased()
        guard
            let found = Self.allCases.first(where: { $0.rawValue.lowercased() == type.lowercased() }),
            given == found.publisher.lowercased()
                || found != .accessForLinux && given == Self.signInPublisher.lowercased() + ".linuxssh"
        else { return nil }
        self = found
    }

    /// Whether it turns signing in with the directory on.
    var isSignIn: Bool { self == .signInForLinux || self == .signInForWindows }

    /// Whether installing it does something on the machine.
    var actsOnMachine: Bool { self != .oldSignInForLinux }

    /// Whether it can be installed on a system: `Linux` or `Windows`.
    func fits(_ system: String) -> Bool {
        switch self {
        case .signInForLinux, .accessForLinux: system == "Linux"
        case .oldSignInForLinux: false
        case .signInForWindows: system == "Windows"
        }
    }

    var description: String { self.rawValue }
}

/// The extensions that can be installed, for catalogues.
public enum ExtensionCatalogue {
    /// Who publishes any.
    public static let publishers = Set(ExtensionHandler.allCases.map(\.publisher)).sorted()

    /// The types of one publisher.
    public static func types(of publisher: String) -> [String] {
        ExtensionHandler.allCases.filter { $0.publisher == publisher }.map(\.rawValue).sorted()
    }

    /// The only version of a type.
    public static func version(of type: String) -> String {
        type.lowercased() == ExtensionHandler.accessForLinux.rawValue.lowercased() ? "1.5.0.0" : "1.0.0.0"
    }
}

extension Resource {
    /// What an extension installs.
    var handler: ExtensionHandler? {
        ExtensionHandler(
            publisher: self.properties["publisher"]?.string ?? "",
            type: self.properties["type"]?.string ?? ""
        )
    }

    /// Whether an operation on it has not ended.
    var isBusy: Bool { ["Creating", "Updating", "Deleting"].contains(self.provisioningState) }

    /// Whether the last operation on it failed.
    var hasFailed: Bool { self.provisioningState == "Failed" }

    /// What an extension reports about itself, in the words that the portal shows: a handler that exits with 22 or 23 stays Transitioning.
    var extensionView: JSONValue {
        let isStuck = self.failure.map { ["ExitCode22", "ExitCode23"].contains($0.code) } ?? false
        let (code, level, shown) =
            switch self.provisioningState {
            case "Succeeded": ("ProvisioningState/succeeded", "Info", "Provisioning succeeded")
            case "Failed" where !isStuck: ("ProvisioningState/failed", "Error", "Provisioning failed")
            case "Failed": ("ProvisioningState/transitioning", "Error", "Transitioning")
            default: ("ProvisioningState/transitioning", "Info", "Transitioning")
            }
        var status: JSONValue = [
            "code": .string(code), "level": .string(level), "displayStatus": .string(shown),
            "time": .string(self.changedAt.description),
        ]
        if let failure = self.failure { status["message"] = .string(failure.sentence) }
        return [
            "name": .string(self.name),
            "type": .string(
                "\(self.properties["publisher"]?.string ?? "").\(self.properties["type"]?.string ?? "")"
            ),
            "typeHandlerVersion": self.handler == .accessForLinux
                ? .string(ExtensionCatalogue.version(of: "VMAccessForLinux"))
                : self.properties["typeHandlerVersion"] ?? "1.0",
            "statuses": [status],
        ]
    }
}

extension Problem {
    /// Another operation on the same resource has not ended.
    static func busy(_ resource: Resource) -> Problem {
        Problem(
            "AnotherOperationInProgress",
            shown: "Another operation on '\(resource.name)' is in progress (\(resource.provisioningState)). Try again "
                + "when it has ended."
        )
    }
}

import Client
import Vocabulary

/// What somebody asked of `sally network bastion rdp`, after everything that this computer can judge was judged.
struct DesktopRequest: Equatable {
    /// The machine, or an address as a resource of the bastion's.
    let target: ResourcePath
    /// The address, when no machine was named.
    let address: String?
    /// How the person proves who they are.
    let signIn: DesktopSignIn
    /// Whether a local port leads to the machine, instead of the gateway.
    let isTunnelled: Bool
    /// The machine's port.
    let port: Int

    /// Judges the words of a command; throws what is wrong with them, with the reason and what to do instead.
    init(
        target: (resource: String, hostName: String?),
        port: Int,
        asked: DesktopSignIn?,
        enableMFA: Bool,
        disableGateway: Bool,
        through bastion: Bastion
    ) throws(Problem) {
        try bastion.checkForClients()
        guard let path = ResourcePath(target.resource), path.subscription != nil else {
            throw Problem(
                "InvalidResourceId",
                shown: "'\(PrintableText.of(target.resource, limit: 300))' is not a resource id; one looks like "
                    + "/subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/virtualMachines/NAME."
            )
        }
        if target.hostName != nil {
            guard bastion.isOpenToAddresses else {
                throw Problem(
                    "IPConnectDisabled",
                    shown: "IP-based connections are off on '\(bastion.path.name)': name the machine with "
                        + "--target-resource-id instead of --target-ip-address."
                )
            }
            guard port == 22 || port == 3389 else {
                throw Problem(
                    "CustomPortNotSupported",
                    shown: "By address a bastion host leads to the ports 22 and 3389 only; for port \(port) name the "
                        + "machine with --target-resource-id."
                )
            }
        }
        self.isTunnelled = disableGateway || target.hostName != nil
        self.signIn = try Self.signIn(
            asked,
            enableMFA,
            isTunnelled: self.isTunnelled,
            byAddress: target.hostName != nil
        )
        if self.signIn == .kerberos, !bastion.takesKerberos {
            throw Problem(
                "KerberosDisabled",
                shown: "Sign-ins by Kerberos are off on '\(bastion.path.name)'. Its owner turns them on with: "
                    + "az network bastion update -n \(bastion.path.name) -g \(bastion.path.resourceGroup ?? "…") "
                    + "--kerberos true"
            )
        }
        self.target = path
        self.address = target.hostName
        self.port = port
    }

    private static func signIn(_ asked: DesktopSignIn?, _ enableMFA: Bool, isTunnelled: Bool, byAddress: Bool)
        throws(Problem) -> DesktopSignIn
    {
        guard !enableMFA || asked?.isOfMachine != true else {
            throw Problem(
                "AuthType",
                shown: "--enable-mfa signs in with your organisation's account; it does not go with --auth-type "
                    + "\(asked == .kerberos ? "kerberos" : "password"), which is the machine's own sign-in."
            )
        }
        guard isTunnelled else { return enableMFA ? .webAccount : asked ?? .gateway }
        guard !enableMFA, asked != .webAccount else {
            // The desktop's token is made for the machine's name, and the gateway vouches for it.
            throw Problem(
                "WebAccountNotPossible",
                shown: byAddress
                    ? "An address alone names no machine, so it cannot be opened with your organisation's account: give "
                        + "--target-resource-id, or leave out --enable-mfa and --auth-type and sign in with a user name "
                        + "and password of the machine."
                    : "Without the gateway only a user name and password of the machine open its desktop: leave out "
                        + "--disable-gateway, or --enable-mfa and --auth-type."
            )
        }
        // It is the gateway that gets the ticket, for the machine's name.
        guard asked != .kerberos else {
            throw Problem(
                "KerberosNotPossible",
                shown: "Kerberos needs the gateway, which gets the ticket, and the machine's name: leave out "
                    + (byAddress ? "--target-ip-address and give --target-resource-id." : "--disable-gateway.")
            )
        }
        return .password
    }
}

import RDPWire
import Vocabulary

/// The connection file of one desktop: what makes any Remote Desktop client come through the gateway.
struct DesktopFile: Sendable {
    /// The machine's host name, or its address.
    let hostName: String
    let port: Int
    /// Host, and port unless it is 443, of the gateway.
    let gateway: String
    let token: Secret<String>
    /// What the person asked for.
    let signIn: SignIn
    /// The person's name, where the client need not ask for one.
    let userName: String
    let channels: ChannelPolicy
    /// What was asked for, and of which bastion host: whoever keeps the file can ask again.
    let target: ResourcePath
    let bastion: ResourcePath

    /// How the person wants to sign in to the machine.
    enum SignIn: Hashable, Sendable {
        /// With a web account: the client asks for a token of the tenant's.
        case webAccount
        /// The gateway's token says who they are.
        case gatewayToken
        /// With a name and a password that the machine asks for.
        case password
        /// With an account of a domain, whose password the server has already.
        case domain
    }

    /// The file; throws `malformed` when a name would not stay on its line.
    func file() throws(RDPWireError) -> RDPFile {
        var file = RDPFile()
        try file.set("full address", .text(self.hostName))
        try file.set("alternate full address", .text(self.hostName))
        try file.set("hostname", .text(self.hostName))
        try file.set("server port", .number(self.port))
        try file.set("serverport", .number(self.port))
        try file.set("gatewayhostname", .text(self.gateway))
        try file.set("gatewayusagemethod", .number(1))
        try file.set("gatewayprofileusagemethod", .number(1))
        try file.set("gatewaycredentialssource", .number(5))
        try file.set("gatewayaccesstoken", .text(self.token.withValue { $0 }))
        // The token is good for one connection: a second one by itself would fail in a way that nobody understands.
        try file.set("autoreconnection enabled", .number(0))
        switch self.signIn {
        case .webAccount, .gatewayToken, .domain:
            // Otherwise clients ask for a password before they connect, which nobody has, or nobody has to give again.
            try file.set("enablecredsspsupport", .number(0))
            try file.set("enablerdsaadauth", .number(self.signIn == .webAccount ? 1 : 0))
            if self.signIn != .domain { try file.set("targetisaadjoined", .number(1)) }
            try file.set("prompt for credentials", .number(0))
            try file.set("username", .text(self.userName))
        case .password:
            try file.set("enablecredsspsupport", .number(1))
            try file.set("prompt for credentials", .number(1))
        }
        // What is closed is said; what is open is the client's choice, and not every client has everything.
        if !self.channels.clipboard { try file.set("redirectclipboard", .number(0)) }
        if !self.channels.devices {
            try file.set("redirectprinters", .number(0))
            try file.set("redirectcomports", .number(0))
            try file.set("redirectsmartcards", .number(0))
            try file.set("drivestoredirect", .text(""))
        }
        if !self.channels.sound { try file.set("audiomode", .number(2)) }
        try file.set("use multimon", .number(1))
        // Clients pass over names that they do not know. Source: `sally rdp open`.
        try file.set("sallyport target", .text(self.target.description))
        try file.set("sallyport bastion", .text(self.bastion.description))
        return file
    }
}

import CGSSAPI
import RDPWire
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The tickets of one sign-in, in a cache in memory that ends with this object. Not for use by two threads at once.
final class KerberosTickets {
    /// The cache's name, as other contexts of the library in this process find it.
    let cacheName: String
    private let profile: KerberosProfile
    private let exchange: KerberosExchange
    private let context: krb5_context
    private let cache: krb5_ccache

    /// Asks the realm for the person's ticket and with it for the host's; waits for the network, at worst as long as the exchange does.
    ///
    /// A realm's answer can be read only with the person's password, so a false domain controller gets nowhere.
    init(
        _ credentials: DesktopCredentials,
        realm: KerberosRealm,
        exchange: KerberosExchange
    ) throws(KerberosFailure) {
        self.profile = KerberosProfile(realm)
        self.exchange = exchange
        self.context = try self.profile.makeContext()
        exchange.attach(to: self.context)
        var cache: krb5_ccache?
        let code = krb5_cc_new_unique(self.context, "MEMORY", nil, &cache)
        guard code == 0, let cache else {
            let failure = KerberosFailure.of(code, self.context, .settings)
            krb5_free_context(self.context)
            throw failure
        }
        self.cache = cache
        var name: UnsafeMutablePointer<CChar>?
        if krb5_cc_get_full_name(self.context, cache, &name) == 0, let name {
            self.cacheName = String(cString: name)
            krb5_free_string(self.context, name)
        } else {
            self.cacheName = ""
        }
        try self.signIn(credentials, realm)
        try self.getTicket(for: realm.service, credentials, realm)
    }

    deinit {
        krb5_cc_destroy(self.context, self.cache)
        krb5_free_context(self.context)
    }

    private func signIn(_ credentials: DesktopCredentials, _ realm: KerberosRealm) throws(KerberosFailure) {
        let step = KerberosFailure.Step.person
        let client = try self.principal(Self.clientName(credentials, realm), step)
        defer { krb5_free_principal(self.context, client) }
        var options: UnsafeMutablePointer<krb5_get_init_creds_opt>?
        try self.check(krb5_get_init_creds_opt_alloc(self.context, &options), step)
        defer { krb5_get_init_creds_opt_free(self.context, options) }
        krb5_get_init_creds_opt_set_forwardable(options, 0)
        krb5_get_init_creds_opt_set_proxiable(options, 0)
        krb5_get_init_creds_opt_set_change_password_prompt(options, 0)
        var tickets = krb5_creds()
        let code = credentials.password.withValue { password in
            krb5_get_init_creds_password(self.context, &tickets, client, password, nil, nil, 0, nil, options)
        }
        try self.check(code, step)
        defer { krb5_free_cred_contents(self.context, &tickets) }
        try self.check(krb5_cc_initialize(self.context, self.cache, client), step)
        try self.check(krb5_cc_store_cred(self.context, self.cache, &tickets), step)
    }

    private func getTicket(
        for service: String,
        _ credentials: DesktopCredentials,
        _ realm: KerberosRealm
    ) throws(KerberosFailure) {
        let step = KerberosFailure.Step.host
        var wanted = krb5_creds()
        wanted.client = try self.principal(Self.clientName(credentials, realm), step)
        defer { krb5_free_principal(self.context, wanted.client) }
        wanted.server = try self.principal(service, step)
        defer { krb5_free_principal(self.context, wanted.server) }
        var ticket: UnsafeMutablePointer<krb5_creds>?
        try self.check(krb5_get_credentials(self.context, 0, self.cache, &wanted, &ticket), step)
        krb5_free_creds(self.context, ticket)
    }

    private func principal(_ name: String, _ step: KerberosFailure.Step) throws(KerberosFailure) -> krb5_principal {
        var principal: krb5_principal?
        try self.check(krb5_parse_name(self.context, name, &principal), step)
        guard let principal else { throw KerberosFailure.library("Kerberos name", code: 0) }
        return principal
    }

    private func check(_ code: krb5_error_code, _ step: KerberosFailure.Step) throws(KerberosFailure) {
        guard code == 0 else { throw self.exchange.failure ?? KerberosFailure.of(code, self.context, step) }
    }

    /// `user@REALM`; somebody may have typed the realm already.
    static func clientName(_ credentials: DesktopCredentials, _ realm: KerberosRealm) -> String {
        var user = credentials.user[...]
        if let at = user.lastIndex(of: "@"), user[at...].dropFirst().lowercased() == realm.name.lowercased() {
            user = user[..<at]
        }
        return "\(Self.escaped(user))@\(realm.name)"
    }

    /// A part of a name in which nothing has a meaning of its own.
    static func escaped(_ part: some StringProtocol) -> String {
        part.reduce(into: "") { text, character in
            if character == "/" || character == "@" || character == "\\" {
                text.append("\\")
            }
            text.append(character)
        }
    }
}

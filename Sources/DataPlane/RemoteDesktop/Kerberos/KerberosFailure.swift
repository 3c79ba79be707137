import CGSSAPI
import RDPWire
import Tunnel
import Vocabulary

/// Why Kerberos did not come about, in words for people, with what to do; names of accounts and hosts may be in it, secrets are not.
struct KerberosFailure: Error {
    /// What was being done.
    enum Step {
        case settings, person, host
    }

    let wire: RDPWireError

    init(wire: RDPWireError) {
        self.wire = wire
    }

    private init(_ sentence: String) {
        self.wire = .refused(sentence)
    }

    static func library(_ what: String, code: Int) -> KerberosFailure {
        KerberosFailure("The server's Kerberos library failed (\(what): \(code)). Tell whoever runs the server.")
    }

    // MARK: The way to the controller

    static let controllerHungUp = KerberosFailure(
        "The domain controller hung up without an answer. See that the first DNS server of the bastion host's virtual "
            + "network is the domain's controller."
    )
    static let controllerMisspoke = KerberosFailure(
        "What answers on port 88 of the bastion host's virtual network's first DNS server is no domain controller. "
            + "Correct the DNS server of the virtual network."
    )
    static let controllerSilent = KerberosFailure(
        "The domain controller did not answer in time. See that it runs and listens on TCP port 88."
    )

    /// What a failed call means.
    static func ofController(_ error: any Error) -> KerberosFailure {
        switch error {
        case let failure as KerberosFailure: failure
        case DialError.refused(let refusal): KerberosFailure(refusal.sentence)
        case DialError.timedOut: .controllerSilent
        default:
            KerberosFailure(
                "The domain controller cannot be reached on TCP port 88. It is the first DNS server of the bastion "
                    + "host's virtual network: see that it runs."
            )
        }
    }

    // MARK: What the controller says

    /// What an error number of the library means at this step.
    static func of(_ code: krb5_error_code, _ context: krb5_context, _ step: Step) -> KerberosFailure {
        switch (Int(code), step) {
        // Which of the two it is says who has an account.
        case (Int(KRB5KDC_ERR_PREAUTH_FAILED), _), (Int(KRB5KRB_AP_ERR_BAD_INTEGRITY), .person),
            (Int(KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN), _):
            KerberosFailure(
                "The domain says that the name or the password is wrong. Connect again, and type both anew."
            )
        case (Int(KRB5KDC_ERR_KEY_EXP), _):
            KerberosFailure(
                "The account's password has expired. Change it on a machine of the domain, then connect again."
            )
        case (Int(KRB5KDC_ERR_CLIENT_REVOKED), _):
            KerberosFailure("The account is locked or disabled. Ask whoever runs the domain.")
        case (Int(KRB5KDC_ERR_NAME_EXP), _):
            KerberosFailure("The account has expired. Ask whoever runs the domain.")
        case (Int(KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN), .host):
            KerberosFailure(
                "The domain does not know this host as one for Remote Desktop. Join the machine to the domain, under "
                    + "the name that it has here."
            )
        case (Int(KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN), _), (Int(KRB5KDC_ERR_WRONG_REALM), _),
            (Int(KRB5_KDCREP_MODIFIED), _), (Int(KRB5_REALM_UNKNOWN), _):
            KerberosFailure(
                "The domain controller serves another domain than the one after the '@'. Type the domain's full name."
            )
        case (Int(KRB5KRB_AP_ERR_SKEW), _), (Int(KRB5KRB_AP_ERR_TKT_NYV), _), (Int(KRB5_KDCREP_SKEW), _):
            KerberosFailure(
                "The clocks of this server and of the domain controller are too far apart. Ask whoever runs them to "
                    + "set them."
            )
        case (Int(KRB5KDC_ERR_ETYPE_NOSUPP), _):
            KerberosFailure(
                "The domain has no AES key for this account or host. Let it have AES, and change the account's "
                    + "password once."
            )
        case (Int(KRB5KDC_ERR_POLICY), _):
            KerberosFailure("A policy of the domain does not allow this sign-in. Ask whoever runs the domain.")
        default:
            KerberosFailure(
                "The domain did not sign you in (\(Self.text(of: code, context))). Ask whoever runs the domain."
            )
        }
    }

    private static func text(of code: krb5_error_code, _ context: krb5_context) -> String {
        let text = krb5_get_error_message(context, code)
        defer { krb5_free_error_message(context, text) }
        return PrintableText.of(text.map { String(cString: $0) } ?? "error \(code)", limit: 200)
    }

    // MARK: What the host says

    /// What the status of a GSS-API call means.
    static func of(_ major: OM_uint32, _ minor: OM_uint32) -> KerberosFailure {
        let texts = [(major, GSS_C_GSS_CODE), (minor, GSS_C_MECH_CODE)].compactMap { status, kind in
            var text = gss_buffer_desc()
            var ignored: OM_uint32 = 0
            var more: OM_uint32 = 0
            let mechanism = kind == GSS_C_MECH_CODE ? cgssapi_kerberos() : nil
            guard status != 0, gss_display_status(&ignored, status, kind, mechanism, &more, &text) == 0 else {
                return nil as String?
            }
            defer { gss_release_buffer(&ignored, &text) }
            return String(decoding: UnsafeRawBufferPointer(start: text.value, count: text.length), as: UTF8.self)
        }
        return KerberosFailure(
            "The machine and the domain's ticket do not go together "
                + "(\(PrintableText.of(texts.joined(separator: ", "), limit: 200))). See that the machine is joined to "
                + "the domain under the name that it has here, and that its clock is right."
        )
    }
}

import CGSSAPI
import RDPWire

/// Why Kerberos did not come about, in words for people; names of accounts and hosts may be in it, secrets are not.
struct KerberosFailure: Error {
    let wire: RDPWireError

    static func library(_ what: String, code: Int) -> KerberosFailure {
        KerberosFailure(wire: .failed("\(what): the library gave error \(code)"))
    }

    /// What an error number of the library means at this step.
    static func of(_ code: krb5_error_code, _ context: krb5_context, _ step: String) -> KerberosFailure {
        switch code {
        case krb5_error_code(KRB5KDC_ERR_PREAUTH_FAILED), krb5_error_code(KRB5KRB_AP_ERR_BAD_INTEGRITY),
            krb5_error_code(KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN):
            return KerberosFailure(wire: .refused("The domain says that the name or the password is wrong."))
        case krb5_error_code(KRB5KDC_ERR_KEY_EXP):
            return KerberosFailure(wire: .refused("The account's password has expired."))
        case krb5_error_code(KRB5KDC_ERR_CLIENT_REVOKED):
            return KerberosFailure(wire: .refused("The account is locked or disabled."))
        case krb5_error_code(KRB5KDC_ERR_NAME_EXP):
            return KerberosFailure(wire: .refused("The account has expired."))
        case krb5_error_code(KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN):
            return KerberosFailure(wire: .refused("The domain does not know this host as one for Remote Desktop."))
        default:
            let text = krb5_get_error_message(context, code)
            defer { krb5_free_error_message(context, text) }
            return KerberosFailure(wire: .failed("\(step): \(text.map { String(cString: $0) } ?? "error \(code)")"))
        }
    }

    /// What the status of a GSS-API call means.
    static func of(_ major: OM_uint32, _ minor: OM_uint32, _ step: String) -> KerberosFailure {
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
        return KerberosFailure(wire: .failed("\(step): \(texts.joined(separator: ", "))"))
    }
}

import CGSSAPI
import RDPWire

/// One negotiation with one host by SPNEGO with Kerberos inside, and the sealing after it. Not for use by two threads at once.
///
/// Source: RFC 2743, RFC 4178, RFC 4121; MS-CSSP section 3.1.5 for the flags.
final class KerberosContext {
    private static let asked = OM_uint32(
        GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG
    )
    private static let needed = OM_uint32(GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG)

    private(set) var isComplete = false
    private let tickets: KerberosTickets
    private let binding: [UInt8]?
    private var credential: gss_cred_id_t?
    private var target: gss_name_t?
    private var context: gss_ctx_id_t?

    init(_ tickets: KerberosTickets, service: String, binding: [UInt8]?) throws(KerberosFailure) {
        self.tickets = tickets
        self.binding = binding
        self.credential = try Self.credential(tickets.cacheName)
        var minor: OM_uint32 = 0
        var name: gss_name_t?
        let major = service.withCString { text in
            var buffer = gss_buffer_desc(length: service.utf8.count, value: UnsafeMutableRawPointer(mutating: text))
            return gss_import_name(&minor, &buffer, cgssapi_principal_name(), &name)
        }
        self.target = name
        guard major == 0 else { throw KerberosFailure.of(major, minor) }
    }

    deinit {
        var minor: OM_uint32 = 0
        gss_delete_sec_context(&minor, &self.context, nil)
        gss_release_name(&minor, &self.target)
        gss_release_cred(&minor, &self.credential)
    }

    /// What the cache in memory lets one prove, by SPNEGO with nothing but Kerberos in it.
    private static func credential(_ cache: String) throws(KerberosFailure) -> gss_cred_id_t? {
        var minor: OM_uint32 = 0
        var credential: gss_cred_id_t?
        var spnego = gss_OID_set_desc(count: 1, elements: cgssapi_spnego())
        let major = cache.withCString { value in
            "ccache".withCString { key in
                var element = gss_key_value_element_desc(key: key, value: value)
                return withUnsafeMutablePointer(to: &element) { element in
                    var store = gss_key_value_set_desc(count: 1, elements: element)
                    return gss_acquire_cred_from(
                        &minor,
                        nil,
                        OM_uint32.max,
                        &spnego,
                        GSS_C_INITIATE,
                        &store,
                        &credential,
                        nil,
                        nil
                    )
                }
            }
        }
        guard major == 0 else { throw KerberosFailure.of(major, minor) }
        var kerberos = gss_OID_set_desc(count: 1, elements: cgssapi_kerberos())
        let limited = gss_set_neg_mechs(&minor, credential, &kerberos)
        guard limited == 0 else {
            let failure = KerberosFailure.of(limited, minor)
            gss_release_cred(&minor, &credential)
            throw failure
        }
        return credential
    }

    /// The next token out of the host's last; nil when there is nothing to say.
    func next(_ token: [UInt8]?) throws(KerberosFailure) -> [UInt8]? {
        guard !self.isComplete else { throw KerberosFailure(wire: .unexpected("Kerberos: a token after the end")) }
        var minor: OM_uint32 = 0
        var flags: OM_uint32 = 0
        var output = gss_buffer_desc()
        let major = Self.lend(token) { input in
            Self.lend(self.binding) { data in
                var bindings = gss_channel_bindings_struct()
                bindings.application_data = data?.pointee ?? gss_buffer_desc()
                return withUnsafeMutablePointer(to: &bindings) { bindings in
                    gss_init_sec_context(
                        &minor,
                        self.credential,
                        &self.context,
                        self.target,
                        cgssapi_spnego(),
                        Self.asked,
                        0,
                        data == nil ? nil : bindings,
                        input,
                        nil,
                        &output,
                        &flags,
                        nil
                    )
                }
            }
        }
        let answer = Self.take(&output)
        guard cgssapi_failed(major) == 0 else { throw KerberosFailure.of(major, minor) }
        if cgssapi_continues(major) == 0 {
            guard flags & Self.needed == Self.needed else {
                throw KerberosFailure(wire: .notTrusted("Kerberos: the host proved nothing, or nothing can be sealed"))
            }
            self.isComplete = true
        }
        return answer.isEmpty ? nil : answer
    }

    /// Header and ciphertext in one, without a trailer: what Windows makes and expects; plain `gss_wrap` puts the check at the end.
    func wrap(_ message: [UInt8]) throws(KerberosFailure) -> [UInt8] {
        guard self.isComplete else { throw KerberosFailure(wire: .unexpected("Kerberos: no keys yet")) }
        var minor: OM_uint32 = 0
        var isSealed: Int32 = 0
        var data = message
        var header: [UInt8] = []
        let major = data.withUnsafeMutableBytes { bytes in
            var parts = [gss_iov_buffer_desc(), gss_iov_buffer_desc()]
            parts[0].type = OM_uint32(GSS_IOV_BUFFER_TYPE_HEADER) | OM_uint32(GSS_IOV_BUFFER_FLAG_ALLOCATE)
            parts[1].type = OM_uint32(GSS_IOV_BUFFER_TYPE_DATA)
            parts[1].buffer = gss_buffer_desc(length: bytes.count, value: bytes.baseAddress)
            let major = gss_wrap_iov(&minor, self.context, 1, 0, &isSealed, &parts, 2)
            if major == 0 {
                header = Array(UnsafeRawBufferPointer(start: parts[0].buffer.value, count: parts[0].buffer.length))
            }
            var ignored: OM_uint32 = 0
            gss_release_iov_buffer(&ignored, &parts, 2)
            return major
        }
        guard major == 0 else { throw KerberosFailure.of(major, minor) }
        guard isSealed != 0 else { throw KerberosFailure(wire: .failed("Kerberos: the library did not encrypt")) }
        return header + data
    }

    /// The host's message, once its seal has been checked.
    func unwrap(_ sealed: [UInt8]) throws(KerberosFailure) -> [UInt8] {
        guard self.isComplete else { throw KerberosFailure(wire: .unexpected("Kerberos: no keys yet")) }
        var minor: OM_uint32 = 0
        var isSealed: Int32 = 0
        var output = gss_buffer_desc()
        let major = Self.lend(sealed) { input in
            gss_unwrap(&minor, self.context, input, &output, &isSealed, nil)
        }
        let message = Self.take(&output)
        guard major == 0, isSealed != 0 else {
            throw KerberosFailure(wire: .notTrusted("Kerberos: a seal of the host is wrong"))
        }
        return message
    }

    private static func lend<Result>(_ bytes: [UInt8]?, _ body: (gss_buffer_t?) -> Result) -> Result {
        guard var bytes else { return body(nil) }
        return bytes.withUnsafeMutableBytes { memory in
            var buffer = gss_buffer_desc(length: memory.count, value: memory.baseAddress)
            return withUnsafeMutablePointer(to: &buffer) { body($0) }
        }
    }

    private static func take(_ buffer: inout gss_buffer_desc) -> [UInt8] {
        let bytes = Array(UnsafeRawBufferPointer(start: buffer.value, count: buffer.length))
        var ignored: OM_uint32 = 0
        gss_release_buffer(&ignored, &buffer)
        return bytes
    }
}

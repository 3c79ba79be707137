import CGSSAPI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Kerberos settings that are in memory only: the library asks, this answers. Source: MIT Kerberos, `profile.h` and `krb5.conf`.
final class KerberosProfile {
    private let values: [[String]: [String]]

    init(_ realm: KerberosRealm) {
        self.values = [
            ["libdefaults", "default_realm"]: [realm.name],
            ["libdefaults", "dns_lookup_kdc"]: ["false"],
            ["libdefaults", "dns_lookup_realm"]: ["false"],
            ["libdefaults", "dns_canonicalize_hostname"]: ["false"],
            ["libdefaults", "rdns"]: ["false"],
            // Whoever answers as the controller chooses among these; an older kind makes a password easy to guess from its use.
            ["libdefaults", "permitted_enctypes"]: ["aes"],
            // A controller must be named; a name that never leads anywhere (RFC 6761), since `KerberosExchange` knows the way.
            ["realms", realm.name, "kdc"]: ["controller.invalid"],
        ]
    }

    /// A context of the library that knows this realm and nothing else. The profile must outlive it.
    func makeContext() throws(KerberosFailure) -> krb5_context {
        var table = profile_vtable()
        table.minor_ver = 1
        table.get_values = { data, names, answer in
            guard let data, let names, let answer else { return cgssapi_no_relation() }
            let profile = Unmanaged<KerberosProfile>.fromOpaque(data).takeUnretainedValue()
            return profile.answer(names, answer) ? 0 : cgssapi_no_relation()
        }
        table.free_values = { _, values in
            guard let values else { return }
            var next = values
            while let text = next.pointee {
                free(text)
                next += 1
            }
            free(values)
        }
        var profile: profile_t?
        let failed = profile_init_vtable(&table, Unmanaged.passUnretained(self).toOpaque(), &profile)
        guard failed == 0, let profile else { throw KerberosFailure.library("Kerberos settings", code: failed) }
        defer { profile_release(profile) }
        var context: krb5_context?
        // "Secure": no environment variable has a say.
        let code = krb5_init_context_profile(profile, krb5_flags(KRB5_INIT_CONTEXT_SECURE), &context)
        guard code == 0, let context else { throw KerberosFailure.library("Kerberos", code: Int(code)) }
        return context
    }

    private func answer(
        _ names: UnsafePointer<UnsafePointer<CChar>?>,
        _ answer: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>
    ) -> Bool {
        var path: [String] = []
        while path.count < 8, let name = names[path.count] {
            path.append(String(cString: name))
        }
        guard let found = self.values[path],
            let memory = calloc(found.count + 1, MemoryLayout<UnsafeMutablePointer<CChar>?>.stride)
        else { return false }
        let list = memory.bindMemory(to: UnsafeMutablePointer<CChar>?.self, capacity: found.count + 1)
        for (index, text) in found.enumerated() {
            list[index] = strdup(text)
        }
        answer.pointee = list
        return true
    }
}

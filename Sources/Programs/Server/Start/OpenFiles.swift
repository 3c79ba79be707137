#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How many files and sockets this process may have open, and what that means for the port.
enum OpenFiles {
    #if canImport(Glibc)
        // An enumeration of its own type there.
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif
    /// More than this is never asked for; some containers say "unlimited", which the kernel then refuses.
    private static let enough: UInt64 = 1 << 20
    /// Kept back for the store, the log, the control socket and the machines' own traffic.
    private static let reserve = 256

    /// Raises the soft limit to the hard one; returns the limit that holds afterwards.
    ///
    /// Service managers start programs with a soft limit of 1,024 for the sake of old programs that use select(2); ours does not.
    static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(Self.resource, &limit) == 0 else { return 1024 }
        let wanted = min(UInt64(limit.rlim_max), Self.enough)
        if wanted > UInt64(limit.rlim_cur) {
            var raised = limit
            raised.rlim_cur = rlim_t(wanted)
            if setrlimit(Self.resource, &raised) == 0 { limit = raised }
        }
        return Int(clamping: min(UInt64(limit.rlim_cur), Self.enough))
    }

    /// How many connections fit under a limit: each may become a tunnel, which has a second socket on its other side.
    static func connections(fitting files: Int, most: Int) -> Int {
        min(most, max(16, (files - Self.reserve) / 2))
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// IP addresses as certificates carry them: 4 or 16 bytes in network order.
enum AddressBytes {
    /// Reads an IPv4 or IPv6 literal; nil for a name.
    static func parse(_ text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            return withUnsafeBytes(of: &four) { Array($0) }
        }
        var sixteen = in6_addr()
        if inet_pton(AF_INET6, text, &sixteen) == 1 {
            return withUnsafeBytes(of: &sixteen) { Array($0) }
        }
        return nil
    }
}

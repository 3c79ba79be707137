/// The network that an address stands for when tries are counted.
public enum SourceBlock {
    /// An IPv4 address as it is; of an IPv6 address the first 64 bits, because one household has all the rest.
    public static func of(_ address: String) -> String {
        guard address.contains(":") else { return address.isEmpty ? "unknown" : address }
        let text = address.lowercased().prefix { $0 != "%" }
        // An IPv4 address in IPv6 clothes.
        if text.hasPrefix("::ffff:"), text.contains(".") { return String(text.dropFirst("::ffff:".count)) }
        let halves = text.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
        var groups = halves[0].split(separator: ":").map(String.init)
        if halves.count == 2 {
            let tail = halves[1].split(separator: ":").map(String.init)
            groups += Array(repeating: "0", count: max(0, 8 - groups.count - tail.count)) + tail
        }
        return groups.prefix(4).map { String(UInt16($0, radix: 16) ?? 0, radix: 16) }.joined(separator: ":") + "::/64"
    }
}

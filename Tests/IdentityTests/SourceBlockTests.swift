import Identity
import Testing

@Suite("Networks for counting")
struct SourceBlockTests {
    @Test(
        "takes IPv4 as it is and IPv6 by its first half",
        arguments: [
            ("203.0.113.9", "203.0.113.9"), ("", "unknown"), ("2001:DB8:0:7:a:b:c:d", "2001:db8:0:7::/64"),
            ("2001:db8::1", "2001:db8:0:0::/64"), ("::1", "0:0:0:0::/64"), ("::ffff:203.0.113.9", "203.0.113.9"),
            ("fe80::1%eth0", "fe80:0:0:0::/64"),
        ]
    )
    func blocks(address: String, block: String) {
        #expect(SourceBlock.of(address) == block)
    }
}

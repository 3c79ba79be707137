import AccessControl
import Testing
import Vocabulary

@Suite struct AddressPolicyTests {
    private func isAllowed(_ address: String, _ policy: AddressPolicy = .standard) -> Bool {
        if case .allowed = policy.judge(address) { true } else { false }
    }

    @Test(
        "allows addresses of ordinary networks",
        arguments: [
            "10.0.0.4", "172.16.3.9", "192.168.1.1", "100.64.0.7", "203.0.113.5", "8.8.8.8", "fd12:3456::1",
            "2a00:1450::8",
            "2001:db8::1", "223.255.255.255",
        ]
    )
    func allows(address: String) {
        #expect(self.isAllowed(address))
    }

    @Test(
        "refuses addresses that lead to the server, the cloud or everybody",
        arguments: [
            "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1", "168.63.129.16",
            "100.100.100.200", "192.0.0.192", "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "::",
            "::1",
            "fe80::1", "febf::1", "fec0::1", "ff02::1", "fd00:ec2::254", "fd20:ce::254", "::ffff:127.0.0.1",
            "::ffff:7f00:1", "::ffff:10.0.0.4", "::ffff:169.254.169.254", "::127.0.0.1", "0:0:0:0:0:ffff:7f00:1",
            "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "2002:7f00:1::", "2001:0:7f00:1::", "::ffff:0:127.0.0.1",
            "0:0:0:0:0:0:0:1", "0000:0000:0000:0000:0000:0000:0000:0001",
        ]
    )
    func refuses(address: String) {
        #expect(!self.isAllowed(address))
    }

    @Test(
        "refuses text that is not one plain address",
        arguments: [
            "", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.01", "1.2.3", "1.2.3.4.5",
            "1.2.3.256",
            "1..2.3", " 10.0.0.4", "10.0.0.4 ", "10.0.0.4\n", "10.0.0.4:22", "[fd12::1]", "fe80::1%eth0",
            "fd12::1%25lo",
            "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8:9", ":1", "1:", ":::", "g::1",
            "12345::1",
            "+1::2", "fd12::1.2.3.4:5", "1.2.3.4::", "１０.0.0.4", "10.0.0.4/32",
        ]
    )
    func refusesOther(address: String) {
        #expect(IPAddress(address) == nil)
        #expect(!self.isAllowed(address))
    }

    @Test("allows what the operator named, and nothing beside it")
    func exceptions() throws {
        let policy = AddressPolicy(exceptions: [try #require(AddressRange("127.0.0.0/30"))])
        #expect(self.isAllowed("127.0.0.1", policy))
        #expect(!self.isAllowed("127.0.0.4", policy))
        #expect(!self.isAllowed("::ffff:127.0.0.1", policy))
        #expect(!self.isAllowed("169.254.169.254", policy))
    }

    @Test("reads the forms of RFC 4291 as one address")
    func forms() {
        let one = IPAddress("2001:db8:0:0:8:800:200c:417a")
        #expect(one != nil)
        #expect(IPAddress("2001:DB8::8:800:200C:417A") == one)
        #expect(IPAddress("::ffff:1.2.3.4") == .v6(0xffff_0102_0304))
        #expect(IPAddress("1::") == .v6(1 << 112))
        #expect(IPAddress("1.2.3.4") == .v4(0x0102_0304))
    }

    @Test(
        "refuses ranges that are none",
        arguments: ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "fd00::/129", "x/8", "1.2.3.4/"]
    )
    func badRanges(text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test("a range of no bits holds its whole family")
    func wholeFamily() throws {
        let all = try #require(AddressRange("0.0.0.0/0"))
        #expect(all.contains(.v4(0xffff_ffff)))
        #expect(!all.contains(.v6(1)))
    }
}

import Testing
import Vocabulary

@Suite("Ranges of IPv4 addresses")
struct AddressPrefixTests {
    @Test("are read and written", arguments: ["10.0.0.0/16", "0.0.0.0/0", "192.168.4.0/22", "1.2.3.4/32"])
    func reads(text: String) {
        #expect(AddressPrefix(text)?.description == text)
    }

    @Test(
        "are read strictly",
        arguments: [
            "10.0.0.1/16", "010.0.0.0/16", "10.0.0/16", "10.0.0.0/33", "10.0.0.0/016", "10.0.0.0", "10.0.0.0/",
            "10.0.0.0/2 4", "10.0.0.0/+8", "256.0.0.0/8", "::/0",
        ]
    )
    func refuses(text: String) {
        #expect(AddressPrefix(text) == nil)
    }

    @Test(
        "of a rule may have bits behind the length, or no length",
        arguments: [
            ("10.0.0.7/24", "10.0.0.0/24"), ("10.0.0.7", "10.0.0.7/32"), ("1.2.3.4/0", "0.0.0.0/0"),
            ("10.0.0.0/33", nil), ("10.0.0.0/8/8", nil), ("web", nil),
        ]
    )
    func masks(text: String, expected: String?) {
        #expect(AddressPrefix(masking: text)?.description == expected)
    }

    @Test("give their first address to the gateway, and the next three and the last to nobody")
    func usable() throws {
        let prefix = try #require(AddressPrefix("10.0.1.0/24"))
        #expect(prefix.gateway.description == "10.0.1.1")
        #expect(prefix.usable == 0x0a00_0104...0x0a00_01fe)
        #expect(AddressPrefix("10.0.1.0/30")?.usable == nil)
    }
}

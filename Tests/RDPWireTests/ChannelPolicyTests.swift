import RDPWire
import Testing

@Suite("Channel policies")
struct ChannelPolicyTests {
    @Test("hide what is closed and nothing else")
    func hidden() {
        #expect(ChannelPolicy.open.hidden.isEmpty)
        #expect(ChannelPolicy(clipboard: false, devices: false).hidden == ["cliprdr", "rdpdr"])
    }
}

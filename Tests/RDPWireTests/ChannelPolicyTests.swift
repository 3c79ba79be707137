import RDPWire
import Testing

@Suite("Channel policies")
struct ChannelPolicyTests {
    @Test("hide what is closed and nothing else")
    func hidden() {
        #expect(ChannelPolicy.open.hidden.isEmpty)
        #expect(ChannelPolicy(clipboard: false).hidden == ["cliprdr"])
    }

    @Test("sound and devices, which have dynamic channels too, take these with them")
    func dynamic() {
        #expect(ChannelPolicy(sound: false).hidden == ["rdpsnd", "drdynvc"])
        #expect(ChannelPolicy(clipboard: false, devices: false).hidden == ["cliprdr", "rdpdr", "drdynvc"])
    }
}

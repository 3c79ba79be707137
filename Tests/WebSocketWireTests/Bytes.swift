import NIOCore
import Vocabulary

@testable import WebSocketWire

/// A buffer of these bytes.
func bytes(_ values: UInt8...) -> ByteBuffer {
    ByteBuffer(bytes: values)
}

/// The seeded generator of the fuzz tests. Source: Vigna, SplitMix64.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = self.state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}

/// The mask of the RFC's examples, for every frame.
let exampleMask = RandomSource { count in Array([0x37, 0xfa, 0x21, 0x3d].prefix(count)) }

/// What a fresh decoder makes of the bytes.
func decode(
    _ input: ByteBuffer,
    as role: WebSocketRole,
    boundaries: MessageBoundaries = .kept,
    acceptsText: Bool = true
) throws(WebSocketWireError) -> [FrameEvent] {
    var decoder = FrameDecoder(role: role, boundaries: boundaries, acceptsText: acceptsText)
    var events: [FrameEvent] = []
    try decoder.feed(input, into: &events)
    return events
}

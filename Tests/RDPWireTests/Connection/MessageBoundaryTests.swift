import RDPWire
import TestKit
import Testing

@Suite("Places between messages")
struct MessageBoundaryTests {
    // Slow path, fast path with one and with two bytes of length.
    private let stream: [UInt8] =
        DesktopSamples.envelope([0x68, 0, 1]) + [0x00, 5, 1, 2, 3] + [0x00, 0x81, 0x00]
        + Array(repeating: 3, count: 253)

    @Test("are known however the stream is cut", arguments: [1, 2, 3, 7, 100, 1000])
    func cuts(_ size: Int) {
        let ends = [10, 15, 271]
        var boundary = MessageBoundary()
        var position = 0
        while position < self.stream.count {
            let next = min(position + size, self.stream.count)
            self.stream[position..<next].withUnsafeBytes { boundary.follow($0) }
            position = next
            #expect(boundary.isBetweenMessages == ends.contains(position))
        }
    }

    @Test("are lost in a stream that is none")
    func lost() {
        var boundary = MessageBoundary()
        [UInt8](arrayLiteral: 3, 0, 0, 0, 1, 1, 1, 1).withUnsafeBytes { boundary.follow($0) }
        #expect(!boundary.isBetweenMessages)
    }

    @Test("the last words are the bytes that hosts send")
    func farewell() {
        #expect(DisconnectMessage.ultimatum == [3, 0, 0, 9, 2, 0xf0, 0x80, 0x20, 0x80])
        #expect(
            DisconnectMessage.errorInfo(.idle) == [
                3, 0, 0, 36, 2, 0xf0, 0x80, 0x68, 0, 1, 3, 0xeb, 0x70, 22, 22, 0, 0x17, 0, 0xea, 3, 0xea, 3, 1, 0, 0, 1,
                8, 0, 0x2f, 0, 0, 0, 3, 0, 0, 0,
            ]
        )
    }
}

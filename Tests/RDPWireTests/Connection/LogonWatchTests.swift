import RDPWire
import TestKit
import Testing

@Suite("The host's word that somebody is signed in")
struct LogonWatchTests {
    private func isSeen(_ stream: [UInt8], step: Int) -> Bool {
        var watch = LogonWatch(channel: 1003)
        for start in stride(from: 0, to: stream.count, by: step) {
            let piece = Array(stream[start..<min(start + step, stream.count)])
            if piece.withUnsafeBytes({ watch.follow($0) }) { return true }
        }
        return false
    }

    @Test("is found between pictures, however the stream is cut", arguments: [1, 2, 7, 33, 5000])
    func found(_ step: Int) {
        let fastPath: [UInt8] = [0, 0x81, 0x00] + Array(repeating: 3, count: 253)
        let before = fastPath + DesktopSamples.demandActive + [0, 4, 3, 3] + fastPath
        #expect(self.isSeen(before + DesktopSamples.logon(), step: step))
        #expect(!self.isSeen(before + fastPath + DesktopSamples.logon().dropLast(600), step: step))
    }

    @Test("is nothing else: another channel, kind or packing, or trouble with the sign-in")
    func others() {
        #expect(!self.isSeen(DesktopSamples.logon(channel: 1004), step: 64))
        #expect(!self.isSeen(DesktopSamples.logon(kind: 0x2f), step: 64))
        #expect(!self.isSeen(DesktopSamples.logon(compressed: 0x21), step: 64))
        #expect(!self.isSeen(DesktopSamples.logon(about: 3), step: 64))
        #expect(self.isSeen(DesktopSamples.logon(about: 0), step: 64))
    }

    @Test("a stream that is none is looked at no further")
    func lost() {
        #expect(!self.isSeen([3, 0, 0, 1] + DesktopSamples.logon(), step: 64))
    }
}

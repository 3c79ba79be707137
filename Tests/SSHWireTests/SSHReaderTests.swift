import SSHWire
import Testing

@Suite("SSH data types")
struct SSHReaderTests {
    @Test(
        "a claimed length beyond the end is refused, whatever it is",
        arguments: [1, 0x7fff_ffff, 0xffff_ffff] as [UInt32]
    )
    func lengthBomb(length: UInt32) {
        var writer = SSHWriter()
        writer.write(uint32: length)
        var reader = SSHReader(writer.bytes)
        #expect(throws: SSHWireError.truncated) { try reader.string() }
    }

    @Test("magnitudes come back without leading zeros", arguments: [[], [1], [0x7f], [0x80], [0xff, 0], [1, 0, 0]])
    func magnitudeRoundTrip(digits: [UInt8]) throws {
        var writer = SSHWriter()
        writer.write(magnitude: [0, 0] + digits)
        var reader = SSHReader(writer.bytes)
        #expect(try reader.magnitude() == digits)
        try reader.finish()
    }

    @Test(
        "an integer with a superfluous zero or a sign is refused",
        arguments: [[0], [0, 1], [0, 0x7f], [0x80], [0xff]]
    )
    func malformedInteger(content: [UInt8]) {
        var writer = SSHWriter()
        writer.write(string: content)
        var reader = SSHReader(writer.bytes)
        #expect(throws: SSHWireError.malformedInteger) { try reader.magnitude() }
    }

    @Test("a set top bit gets a zero in front")
    func paddedInteger() {
        var writer = SSHWriter()
        writer.write(magnitude: [0x80])
        #expect(writer.bytes == [0, 0, 0, 2, 0, 0x80])
    }

    @Test("text with a NUL or of wrong UTF-8 is refused", arguments: [[0x61, 0, 0x62], [0xff], [0xc3]])
    func malformedText(content: [UInt8]) {
        var writer = SSHWriter()
        writer.write(string: content)
        var reader = SSHReader(writer.bytes)
        #expect(throws: SSHWireError.malformedText) { try reader.text() }
    }

    @Test("a nested value cannot read past its own end")
    func nested() throws {
        var writer = SSHWriter()
        writer.writeNested { $0.write(uint32: 100) }
        writer.write(raw: [UInt8](repeating: 7, count: 200))
        var reader = SSHReader(writer.bytes)
        var inner = try reader.nested()
        #expect(throws: SSHWireError.truncated) { try inner.string() }
        #expect(reader.remaining == 200)
    }

    @Test("bytes left over are an error")
    func leftOver() {
        #expect(throws: SSHWireError.trailingBytes) { try SSHReader([1]).finish() }
    }
}

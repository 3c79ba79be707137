import SSHWire
import Testing
import Vocabulary

@Suite("Key revocation lists")
struct KeyRevocationListTests {
    /// An authority, a key, and certificates of that key with these serials in files `z<serial>-cert.pub`.
    func prepare(_ serials: [UInt64]) throws -> (keygen: KeyGenerator, authority: SSHPublicKey) {
        let keygen = try KeyGenerator()
        let authority = try keygen.makeKey("ca")
        _ = try keygen.makeKey("id")
        for serial in serials {
            try keygen.write("z\(serial).pub", keygen.bytes("id.pub"))
            try keygen.succeed(
                "-q",
                "-s",
                "ca",
                "-I",
                "id \(serial)",
                "-n",
                "a",
                "-z",
                String(serial),
                "z\(serial).pub"
            )
        }
        return (keygen, authority)
    }

    @Test("ssh-keygen finds in our list what we revoked, and nothing else")
    func written() throws {
        let (keygen, authority) = try self.prepare([1, 2, 3, 10, 20, 999])
        var list = KeyRevocationList(version: 4, date: SSHTime(Instant(seconds: 1_767_225_600)), comment: "ours")
        list.certificates = [
            .init(of: authority, serials: [3...3, 1...1, 10...15], keyIDs: ["id 20", "nobody"]),
            .init(of: nil, keyIDs: ["somebody"]),
        ]
        try keygen.write("krl", list.bytes)
        for (serial, isRevoked) in [(1, true), (2, false), (3, true), (10, true), (20, true), (999, false)] {
            let answer = try keygen.run(["-Q", "-f", "krl", "z\(serial)-cert.pub"])
            #expect((answer.status == 0) == !isRevoked, "\(serial): \(answer.output)")
            #expect(list.isRevoked(try SSHCertificate(line: keygen.text("z\(serial)-cert.pub"))) == isRevoked)
        }
        var again = try KeyRevocationList(bytes: list.bytes)
        #expect(again.bytes == list.bytes)
        #expect(again.version == 4)
        again.certificates[0].serials.sort { $0.lowerBound < $1.lowerBound }
        #expect(again.certificates[0].serials == [1...1, 3...3, 10...15])
    }

    @Test("revoked keys and hashes are found by ssh-keygen")
    func keys() throws {
        let keygen = try KeyGenerator()
        let one = try keygen.makeKey("one")
        _ = try keygen.makeKey("two")
        let list = KeyRevocationList(version: 1, date: .always, keys: [one.blob])
        try keygen.write("krl", list.bytes)
        #expect(try keygen.run(["-Q", "-f", "krl", "one.pub"]).status == 1)
        #expect(try keygen.run(["-Q", "-f", "krl", "two.pub"]).status == 0)
    }

    @Test("lists of ssh-keygen with lists, ranges, bitmaps, key ids, keys and hashes are read")
    func real() throws {
        let (keygen, authority) = try self.prepare([5, 100, 102, 105, 300, 1_000_000, 42, 43])
        let other = try keygen.makeKey("other")
        let spec = """
            serial: 5
            serial: 100
            serial: 101
            serial: 102
            serial: 105
            serial: 200-4000
            serial: 1000000
            id: id 42

            """
        try keygen.write("certificates", Array(spec.utf8))
        try keygen.write("keys", Array("key: \(other.line())\nsha256: \(try keygen.makeKey("third").line())\n".utf8))
        try keygen.succeed("-q", "-k", "-f", "krl", "-s", "ca.pub", "-z", "8", "certificates", "keys")
        let list = try KeyRevocationList(bytes: keygen.bytes("krl"))
        #expect(list.version == 8)
        #expect(list.certificates.contains { $0.authority == authority })
        for (serial, isRevoked) in [
            (5, true), (100, true), (102, true), (105, true), (300, true), (1_000_000, true), (42, true), (43, false),
        ] {
            let certificate = try SSHCertificate(line: keygen.text("z\(serial)-cert.pub"))
            #expect(list.isRevoked(certificate) == isRevoked, "\(serial)")
        }
        #expect(list.isRevoked(other))
        #expect(list.isRevoked(try SSHPublicKey(line: keygen.text("third.pub"))))
        #expect(!list.isRevoked(authority))
    }

    @Test("a revoked authority takes its certificates along")
    func authority() throws {
        let (keygen, authority) = try self.prepare([1])
        let list = KeyRevocationList(version: 1, date: .always, keys: [authority.blob])
        #expect(list.isRevoked(try SSHCertificate(line: keygen.text("z1-cert.pub"))))
    }

    @Test("a range over all numbers is written and read")
    func widest() throws {
        let certificates = KeyRevocationList.Certificates(of: nil, serials: [1...UInt64.max])
        let list = KeyRevocationList(version: 1, date: .always, certificates: [certificates])
        #expect(try KeyRevocationList(bytes: list.bytes) == list)
    }

    @Test("a bitmap that runs over the last number is refused")
    func bitmapOverflow() {
        var writer = SSHWriter()
        writer.write(raw: KeyRevocationList(version: 1, date: .always).bytes)
        writer.write(byte: 1)
        writer.writeNested { section in
            section.write(text: "")
            section.write(text: "")
            section.write(byte: 0x22)
            section.writeNested { part in
                part.write(uint64: .max - 1)
                part.write(magnitude: [0xff])
            }
        }
        let bytes = writer.bytes
        #expect(throws: SSHWireError.malformedRevocationList) { try KeyRevocationList(bytes: bytes) }
    }

    @Test("a bitmap bomb is refused before it fills the memory")
    func bitmapBomb() {
        var writer = SSHWriter()
        writer.write(raw: KeyRevocationList(version: 1, date: .always).bytes)
        writer.write(byte: 1)
        writer.writeNested { section in
            section.write(text: "")
            section.write(text: "")
            section.write(byte: 0x22)
            section.writeNested { part in
                part.write(uint64: 1)
                part.write(magnitude: [UInt8](repeating: 0x55, count: 300_000))
            }
        }
        let bytes = writer.bytes
        #expect(throws: SSHWireError.tooLong) { try KeyRevocationList(bytes: bytes) }
    }

    @Test("unknown sections refuse the list, unless they say they may be skipped")
    func additions() throws {
        let empty = KeyRevocationList(version: 1, date: .always)
        for (critical, isRead) in [(UInt8(0), true), (1, false)] {
            var writer = SSHWriter()
            writer.write(raw: empty.bytes)
            writer.write(byte: 255)
            writer.writeNested { body in
                body.write(text: "new@example.com")
                body.write(byte: critical)
                body.write(text: "content")
            }
            #expect(((try? KeyRevocationList(bytes: writer.bytes)) != nil) == isRead)
        }
        #expect(throws: SSHWireError.malformedRevocationList) {
            try KeyRevocationList(bytes: empty.bytes + [4, 0, 0, 0, 0])
        }
    }
}

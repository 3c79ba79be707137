import RDPWire
import TestKit
import Testing
import Vocabulary

/// Connection files as text and back, and what a signature covers.
struct RDPFileTests {
    @Test("writes a property on each line, in UTF-8 with CR LF")
    func writes() throws {
        var file = RDPFile()
        try file.set("full address", .text("vm1"))
        try file.set("server port", .number(3389))
        try file.set("full address", .text("größe"))
        #expect(String(decoding: file.bytes, as: UTF8.self) == "full address:s:größe\r\nserver port:i:3389\r\n")
    }

    @Test("reads a file in each of its encodings")
    func reads() throws {
        let text = "Full Address:s:a:b\r\nserver port:i:1\n\nnonsense\r\nwinposstr:b:00FF\r\nx:i:no\r\n"
        let wide: [UInt8] =
            [0xFF, 0xFE] + text.utf16.flatMap { unit -> [UInt8] in [UInt8(unit & 0xFF), UInt8(unit >> 8)] }
        for bytes in [Array(text.utf8), [0xEF, 0xBB, 0xBF] + Array(text.utf8), wide] {
            let file = try RDPFile(parsing: bytes)
            #expect(file["full address"] == .text("a:b"))
            #expect(file["SERVER PORT"] == .number(1))
            #expect(file["winposstr"] == .binary("00FF"))
            #expect(file.properties.count == 3)
        }
    }

    @Test(
        "refuses a value that would begin another line",
        arguments: [
            "a\r\nfull address:s:evil", "a\nb", "a\rb", "a\u{0}b", "a\u{85}b", "a\u{2028}b", "a\u{B}b", "a\u{C}b",
        ]
    )
    func injection(value: String) {
        var file = RDPFile()
        #expect(throws: RDPWireError.self) { try file.set("username", .text(value)) }
        #expect(throws: RDPWireError.self) { try file.set(value, .number(1)) }
        #expect(throws: RDPWireError.self) { try file.set("a:b", .number(1)) }
        #expect(file.properties.isEmpty)
    }

    @Test("signs the lines that a signature covers, in its order, and no others")
    func message() throws {
        var file = RDPFile()
        try file.set("gatewayaccesstoken", .text("secret"))
        try file.set("gatewayhostname", .text("gw"))
        try file.set("use multimon", .number(1))
        try file.set("full address", .text("vm1"))
        var signed: [UInt8] = []
        let result = try file.signed { message in
            signed = message
            return Array(0..<100)
        }
        let expected =
            "full address:s:vm1\r\nalternate full address:s:vm1\r\ngatewayhostname:s:gw\r\n"
            + "signscope:s:Full Address,Alternate Full Address,GatewayHostname\r\n\0"
        #expect(signed == expected.utf16.flatMap { unit -> [UInt8] in [UInt8(unit & 0xFF), UInt8(unit >> 8)] })
        #expect(result["signscope"] == .text("Full Address,Alternate Full Address,GatewayHostname"))
        guard case .text(let signature)? = result["signature"] else { return #expect(Bool(false), "no signature") }
        #expect(signature.hasPrefix("AQABAAEAAABkAAAA"))
        #expect(signature.hasSuffix("  "))
        #expect(signature.split(separator: "  ").allSatisfy { $0.count <= 64 })
    }

    @Test("signs again as if it had not been signed")
    func again() throws {
        var file = RDPFile()
        try file.set("full address", .text("vm1"))
        let once = try file.signed { _ in [1] }
        let twice = try once.signed { _ in [1] }
        #expect(once == twice)
    }

    @Test("survives changed files")
    func fuzz() throws {
        let spoiler = Spoiler(seed: 5)
        var file = RDPFile()
        for index in 0..<10 { try file.set("name\(index)", index % 2 == 0 ? .text("värde") : .number(index)) }
        for _ in 0..<Spoiler.rounds(usually: 2000) {
            guard let read = try? RDPFile(parsing: spoiler.spoil(file.bytes)) else { continue }
            #expect(try RDPFile(parsing: read.bytes) == read)
        }
    }
}

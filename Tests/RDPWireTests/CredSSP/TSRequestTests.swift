import Testing
import Vocabulary

@testable import RDPWire

@Suite("TSRequest and its DER")
struct TSRequestTests {
    @Test("are written as the specification's structure")
    func written() {
        #expect(Hex.encode(TSRequest(version: 6, token: [1, 2]).bytes) == "3011a003020106a10a30083006a00404020102")
    }

    @Test(
        "are read as they were written",
        arguments: [
            TSRequest(version: 2),
            TSRequest(version: 6, token: [1]), TSRequest(version: 6, errorCode: 0xFFFF_FFFF),
            TSRequest(version: 6, publicKeyAuth: [1], nonce: [UInt8](repeating: 1, count: 32)),
            TSRequest(version: 3, authInfo: [1, 2, 3], errorCode: 0xC000_006D),
            TSRequest(version: 127, errorCode: 5), TSRequest(version: 6, errorCode: 0x0000_8000),
        ]
    )
    func roundTrip(request: TSRequest) throws {
        #expect(try TSRequest(request.bytes) == request)
        #expect(try CredSSPClient.length(of: request.bytes) == request.bytes.count)
    }

    @Test(
        "are read as they were written with lengths of one to three bytes",
        arguments: [100, 127, 128, 255, 256, 300, 70_000]
    )
    func long(count: Int) throws {
        let request = TSRequest(version: 6, token: [UInt8](repeating: 7, count: count))
        #expect(try TSRequest(request.bytes) == request)
        #expect(try CredSSPClient.length(of: request.bytes) == request.bytes.count)
    }

    @Test("take an error code as a negative number and as a positive one of five bytes")
    func errorCodes() throws {
        for code in ["0204c000006d", "020500c000006d"] {
            let number = try #require(Hex.decode(code))
            let bytes = DER.element(
                DER.sequence,
                DER.element(DER.field(0), DER.integer(6)),
                DER.element(DER.field(4), number)
            )
            #expect(try TSRequest(bytes).errorCode == 0xC000_006D)
        }
    }

    @Test(
        "are refused in any other form",
        arguments: [
            "", "30", "3000", "30053003020106", "3005a003020106ff", "3006a003020106", "300aa0080206010203040506",
            "3006a00402020006", "3080a0030201060000", "308105a003020106", "30820005a003020106", "3004a0020200",
            "300aa003020106a003020106", "3009a003020106a1023000", "3017a003020106a110300e3005a0030401aa3005a0030401aa",
            "300ba003020106a50404020102", "300da003020106a3020400a2020400", "3009a003020106a6020400",
            "300ba003020106a20404000400", "1f0530030201", "3009a003020106a2022400", "300ea003020106a40702050100000000",
        ]
    )
    func malformed(hex: String) throws {
        let bytes = try #require(Hex.decode(hex))
        #expect(throws: RDPWireError.self) { try TSRequest(bytes) }
    }

    @Test("have a length that is known from the head alone, and bounded")
    func lengths() throws {
        #expect(try CredSSPClient.length(of: []) == nil)
        #expect(try CredSSPClient.length(of: [0x30]) == nil)
        #expect(try CredSSPClient.length(of: [0x30, 0x05]) == 7)
        #expect(try CredSSPClient.length(of: [0x30, 0x82, 0x01]) == nil)
        #expect(try CredSSPClient.length(of: [0x30, 0x82, 0x01, 0x00]) == 260)
        #expect(throws: RDPWireError.self) { try CredSSPClient.length(of: [0x03]) }
        #expect(throws: RDPWireError.self) { try CredSSPClient.length(of: [0x30, 0x80]) }
        #expect(throws: RDPWireError.self) { try CredSSPClient.length(of: [0x30, 0x81, 0x05]) }
        #expect(throws: RDPWireError.self) { try CredSSPClient.length(of: [0x30, 0x88]) }
        #expect(throws: RDPWireError.tooLong("DER: an element of 16777216 bytes")) {
            try CredSSPClient.length(of: [0x30, 0x84, 0x01, 0, 0, 0])
        }
    }

    @Test("credentials are domain, user and password in UTF-16")
    func credentials() {
        let bytes = TSCredentials.bytes(DesktopCredentials(user: "u", domain: "", password: Secret("p")))
        #expect(Hex.encode(bytes) == "301ba003020101a11404123010a0020400a10404027500a20404027000")
    }
}

import Crypto
import Foundation
import Keys
import SwiftASN1
import Testing
import Vocabulary
import X509

/// Signatures of connection files, judged by somebody else's program.
struct FileSignerTests {
    private static func made() throws -> (key: String, certificate: String) {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("files.test") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: .init(key.publicKey),
            notValidBefore: Date(timeIntervalSinceNow: -3600),
            notValidAfter: Date(timeIntervalSinceNow: 3600),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions(),
            issuerPrivateKey: .init(key)
        )
        return (key.pemRepresentation, try certificate.serializeAsPEM().pemString)
    }

    @Test("openssl finds the signature good, and bad for another message")
    func openssl() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "signer-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (key, certificate) = try Self.made()
        let signer = try FileSigner(privatePEM: Secret(key), certificatesPEM: certificate)
        let message = Array("full address:s:vm\r\n".utf8)
        try Data(signer.sign(message)).write(to: folder.appending(path: "signature"))
        try Data(certificate.utf8).write(to: folder.appending(path: "certificate"))
        for (content, isGood) in [(message, true), (message + [0], false)] {
            try Data(content).write(to: folder.appending(path: "message"))
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/openssl")
            process.currentDirectoryURL = folder
            process.arguments = [
                "cms", "-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "message",
                "-CAfile", "certificate", "-purpose", "any", "-out", "/dev/null",
            ]
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            #expect((process.terminationStatus == 0) == isGood)
        }
    }

    @Test("refuses another key's certificate, and what is none")
    func refuses() throws {
        let one = try Self.made()
        let two = try Self.made()
        #expect(throws: KeysError(.malformed, "")) {
            try FileSigner(privatePEM: Secret(one.key), certificatesPEM: two.certificate)
        }
        #expect(throws: KeysError(.malformed, "")) { try FileSigner(privatePEM: Secret(one.key), certificatesPEM: "") }
    }
}

import Crypto
import SSHWire
import Testing
import Vocabulary

@Suite("OpenSSH private key files")
struct OpenSSHPrivateKeyTests {
    @Test("ssh-keygen finds the same public key in files that we write")
    func written() throws {
        let keygen = try KeyGenerator()
        for key in [OpenSSHPrivateKey.ed25519(.init()), .p256(.init())] {
            try keygen.write("id", key.file(comment: "alice@contoso.example").withValue { $0 })
            let line = key.publicKey.line(comment: "alice@contoso.example")
            #expect(try keygen.succeed("-y", "-f", "id") == line + "\n")
        }
    }

    @Test("files of ssh-keygen are read", arguments: ["ed25519", "ecdsa"])
    func read(type: String) throws {
        let keygen = try KeyGenerator()
        let publicKey = try keygen.makeKey("id", type: type)
        let key = try OpenSSHPrivateKey(file: keygen.bytes("id"))
        #expect(key.publicKey == publicKey)
        try key.signer.sign([1, 2, 3]).verify([1, 2, 3], by: publicKey)
    }

    @Test("a file with a passphrase, and one of another type, is refused")
    func refused() throws {
        let keygen = try KeyGenerator()
        try keygen.succeed("-q", "-t", "ed25519", "-N", "secret phrase", "-f", "locked")
        _ = try keygen.makeKey("rsa", type: "rsa", bits: 2048)
        for name in ["locked", "rsa"] {
            let file = try keygen.bytes(name)
            #expect(throws: SSHWireError.malformedPrivateKey) { try OpenSSHPrivateKey(file: file) }
        }
    }

    @Test("a key whose public half belongs to another is refused")
    func mismatch() throws {
        let one = OpenSSHPrivateKey.ed25519(.init()).file(random: RandomSource { [UInt8](repeating: 1, count: $0) })
        var file = one.withValue { $0 }
        let index = try #require(file.firstIndex(of: UInt8(ascii: "\n"))) + 80
        file[index] = file[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        #expect(throws: SSHWireError.malformedPrivateKey) { try OpenSSHPrivateKey(file: file) }
    }

    @Test("the file does not show in a description")
    func hidden() {
        let file = OpenSSHPrivateKey.ed25519(.init()).file()
        #expect("\(file)" == "‹secret›")
    }
}

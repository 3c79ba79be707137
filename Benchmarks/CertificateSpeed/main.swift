import Crypto
import Glibc
import SSHWire
import Vocabulary

/// Kinds of work, each including the one before it.
enum Work: String, CaseIterable {
    /// The Ed25519 signature alone, over as many bytes as a certificate has.
    case signature
    /// A certificate out of its contents: checks, encoding, nonce, signature.
    case certificate
    /// The same, then read back and verified, as the server does before it hands a certificate out.
    case verified
}

/// CPU seconds of this process so far: what else runs on the machine does not count.
func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// What a certificate for a person says, with a number of its own.
func contents(_ serial: UInt64, for key: SSHPublicKey) -> SSHCertificate.Contents {
    SSHCertificate.Contents(
        key: key,
        serial: serial,
        kind: .user,
        keyID: "alice@contoso.example device=laptop request=5a11b0a7-7e57-4c0a-8d0e-3f6d0c0a0001",
        principals: ["alice@contoso.example", "5a11b0a7-7e57-4c0a-8d0e-3f6d0c0a0002"],
        validAfter: SSHTime(rawValue: 1_800_000_000),
        validBefore: SSHTime(rawValue: 1_800_003_900),
        extensions: [
            .valued("oid@sallyport", "5a11b0a7-7e57-4c0a-8d0e-3f6d0c0a0002"),
            .permitPortForwarding,
            .permitPTY,
            .valued("tid@sallyport", "5a11b0a7-7e57-4c0a-8d0e-3f6d0c0a0003"),
        ]
    )
}

let seconds = CommandLine.arguments.count == 2 ? Double(CommandLine.arguments[1]) : nil
guard let seconds, seconds > 0 else {
    print("usage: certificate-speed <CPU seconds for each kind of work>")
    exit(64)
}
let authority = Curve25519.Signing.PrivateKey()
let signer = SSHSigner.ed25519(authority)
let holder = SSHSigner.ed25519(Curve25519.Signing.PrivateKey()).publicKey
let sample = try SSHCertificate.make(contents(1, for: holder), nonce: RandomSource.system.bytes(32), by: signer)
let signed = sample.signedBytes
var serial: UInt64 = 1
var bytes = 0

for work in Work.allCases {
    var count = 0
    let start = processorSeconds()
    var spent = 0.0
    while spent < seconds {
        for _ in 0..<500 {
            serial += 1
            switch work {
            case .signature:
                bytes += try signer.sign(signed).blob.count
            case .certificate:
                bytes += try SSHCertificate.make(
                    contents(serial, for: holder),
                    nonce: RandomSource.system.bytes(32),
                    by: signer
                ).blob.count
            case .verified:
                let made = try SSHCertificate.make(
                    contents(serial, for: holder),
                    nonce: RandomSource.system.bytes(32),
                    by: signer
                )
                let read = try SSHCertificate(blob: made.blob)
                try read.verifySignature()
                bytes += read.blob.count
            }
        }
        count += 500
        spent = processorSeconds() - start
    }
    print(work.rawValue, count, spent)
}
// Used, so that the compiler may not leave the work out.
if bytes == 0 { exit(1) }

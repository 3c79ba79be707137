import NIOCore
import NIOPosix
import RDPWire
import Testing
import Vocabulary

@testable import RemoteDesktop

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A sign-in to a host and a realm that run elsewhere: `EndToEnd/test_kerberos.py` starts them and names them in the environment.
@Suite("Sign-ins by Kerberos")
struct KerberosHostTests {
    static func setting(_ name: String) -> String? {
        getenv("SALLYPORT_NLA_\(name)").map { String(cString: $0) }
    }

    @Test("a host of the realm lets the person in", .enabled(if: Self.setting("PORT") != nil))
    func signIn() throws {
        let certificate = try #require(Self.setting("CERTIFICATE").flatMap(Hex.decode))
        let port = try #require(Self.setting("PORT").flatMap { UInt16($0) })
        let controller = try #require(Self.setting("CONTROLLER")?.split(separator: ":"))
        let address = try SocketAddress(ipAddress: String(controller[0]), port: Int(controller[1]) ?? 0)
        let realm = try #require(
            KerberosRealm(name: Self.setting("REALM") ?? "", host: Self.setting("NAME") ?? "") { eventLoop in
                ClientBootstrap(group: eventLoop).channelOption(.autoRead, value: false).connect(to: address)
            }
        )
        let credentials = DesktopCredentials(
            user: Self.setting("USER") ?? "",
            domain: realm.name,
            password: Secret(Self.setting("PASSWORD") ?? "")
        )
        let mechanism = KerberosMechanism(
            credentials: credentials,
            realm: realm,
            eventLoop: MultiThreadedEventLoopGroup.singleton.any(),
            channelBinding: try CredSSPClient.channelBinding(ofCertificate: certificate)
        )
        var client = CredSSPClient(
            mechanism: mechanism,
            credentials: credentials,
            serverPublicKey: try CredSSPClient.subjectPublicKey(ofCertificate: certificate),
            nonce: RandomSource.system.bytes(32)
        )
        let host = try HostSocket(port: port)
        try host.send(client.start())
        while true {
            switch try client.receive(host.receive()) {
            case .send(let bytes): try host.send(bytes)
            case .finish(let bytes): return try host.send(bytes)
            }
        }
    }
}

/// A connection to a port of this machine that waits; tests of one conversation need no more.
private struct HostSocket: ~Copyable {
    struct Closed: Error {}

    private let descriptor: Int32

    init(port: UInt16) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let descriptor = self.descriptor
        let connected = try SocketAddress(ipAddress: "127.0.0.1", port: Int(port)).withSockAddr { address, size in
            connect(descriptor, address, socklen_t(size))
        }
        guard connected == 0 else { throw Closed() }
    }

    deinit {
        close(self.descriptor)
    }

    func send(_ bytes: [UInt8]) throws {
        guard write(self.descriptor, bytes, bytes.count) == bytes.count else { throw Closed() }
    }

    /// One whole message.
    func receive() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            if let length = try CredSSPClient.length(of: bytes), bytes.count >= length { return bytes }
            var byte: UInt8 = 0
            guard read(self.descriptor, &byte, 1) == 1 else { throw Closed() }
            bytes.append(byte)
        }
    }
}

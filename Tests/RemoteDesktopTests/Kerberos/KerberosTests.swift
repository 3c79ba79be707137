import RDPWire
import Testing
import Vocabulary

@testable import RemoteDesktop

@Suite("Kerberos")
struct KerberosTests {
    static func credentials(_ user: String) -> DesktopCredentials {
        DesktopCredentials(user: user, password: Secret("secret"))
    }

    @Test("a realm has a name and addresses without anything that settings could misread")
    func realms() {
        #expect(
            KerberosRealm(name: "EXAMPLE.TEST", controllers: ["10.0.0.4", "dc.example.test:88", "[fd00::1]:88"]) != nil
        )
        #expect(KerberosRealm(name: "", controllers: ["10.0.0.4"]) == nil)
        #expect(KerberosRealm(name: "EXAMPLE.TEST", controllers: []) == nil)
        #expect(KerberosRealm(name: "EXAMPLE }", controllers: ["10.0.0.4"]) == nil)
        #expect(KerberosRealm(name: "EXAMPLE.TEST", controllers: ["https://dc/x"]) == nil)
        #expect(KerberosRealm(name: "EXAMPLE.TEST", controllers: [String](repeating: "a", count: 9)) == nil)
    }

    @Test(
        "people are named in their realm, whatever is in their name",
        arguments: [
            ("alice", "alice@EXAMPLE.TEST"), ("alice@example.test", "alice@EXAMPLE.TEST"),
            ("alice@other.test", #"alice\@other.test@EXAMPLE.TEST"#), ("a/b\\c", #"a\/b\\c@EXAMPLE.TEST"#),
        ]
    )
    func names(user: String, name: String) throws {
        let realm = try #require(KerberosRealm(name: "EXAMPLE.TEST", controllers: ["127.0.0.1:1"]))
        #expect(KerberosTickets.clientName(Self.credentials(user), realm) == name)
    }

    @Test("a realm that does not answer is said to be out of reach, and nothing can be sealed")
    func unreachable() throws {
        let realm = try #require(KerberosRealm(name: "EXAMPLE.TEST", controllers: ["127.0.0.1:1"]))
        var mechanism = KerberosMechanism(
            credentials: Self.credentials("alice"),
            realm: realm,
            host: "desk",
            channelBinding: nil
        )
        #expect(mechanism.blocks)
        #expect(throws: RDPWireError.failed("Kerberos sign-in: Cannot contact any KDC for realm 'EXAMPLE.TEST'")) {
            try mechanism.next(nil)
        }
        #expect(!mechanism.isComplete)
        #expect(throws: RDPWireError.unexpected("Kerberos: not begun")) { try mechanism.wrap([1]) }
        #expect(throws: RDPWireError.unexpected("Kerberos: not begun")) { try mechanism.next([1]) }
    }
}

@testable import Client
@testable import CommandLine
import RDPWire
import Testing
import Vocabulary

@Suite("Saved desktops")
struct SavedDesktopTests {
    private static let group = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/demo/providers"
    private static let machine = group + "/Microsoft.Compute/virtualMachines/myVM"
    private static let bastion = group + "/Microsoft.Network/bastionHosts/b"

    private static func text(_ more: String...) -> String {
        let lines = ["full address:s:myvm", "sallyport target:s:\(machine)", "sallyport bastion:s:\(bastion)"]
        return (lines + more).map { $0 + "\r\n" }.joined()
    }

    private static func read(_ more: String...) throws -> SavedDesktop {
        let lines = more.map { $0 + "\r\n" }.joined()
        return try SavedDesktop(Array((Self.text() + lines).utf8), named: "x.rdp")
    }

    @Test("say which machine they are for, and how it is signed in to")
    func known() throws {
        let saved = try Self.read("server port:i:3390")
        #expect(saved.target.description == Self.machine && saved.bastion.description == Self.bastion)
        #expect(saved.port == 3390 && saved.signIn == .kerberos)
        #expect(try Self.read("targetisaadjoined:i:1").signIn == .gateway)
        #expect(try Self.read("enablerdsaadauth:i:1").signIn == .webAccount)
        #expect(try Self.read("prompt for credentials:i:1").signIn == .password)
    }

    @Test("are read as Windows writes them, in UTF-16 with its mark")
    func utf16() throws {
        var bytes: [UInt8] = [0xFF, 0xFE]
        for unit in Self.text().utf16 { bytes += [UInt8(unit & 0xFF), UInt8(unit >> 8)] }
        #expect(try SavedDesktop(bytes, named: "x.rdp").target.description == Self.machine)
    }

    @Test("give a new file their looks, and nothing that opens this computer or leads elsewhere")
    func looks() throws {
        let saved = try Self.read(
            "desktopwidth:i:700",
            "Screen Mode Id:i:1",
            "use multimon:s:1",
            "drivestoredirect:s:*",
            "redirectclipboard:i:1",
            "gatewayhostname:s:evil.example",
            "alternate shell:s:evil"
        )
        let fresh = "full address:s:myvm\r\nuse multimon:i:1\r\ngatewayhostname:s:b.example\r\n"
        let dressed = String(decoding: try saved.dressing(Array(fresh.utf8)), as: UTF8.self)
        #expect(dressed == fresh + "desktopwidth:i:700\r\nScreen Mode Id:i:1\r\n")
    }

    @Test(
        "are refused with the reason when they are none of this product's",
        arguments: ["", "full address:s:x\r\n", "sallyport target:s:/\r\nsallyport bastion:s:/\r\n", "\u{0}\u{1}"]
    )
    func foreign(text: String) {
        let problem = #expect(throws: Problem.self) { try SavedDesktop(Array(text.utf8), named: "x\u{1B}.rdp") }
        #expect(problem?.code == "NotADesktopFile")
        #expect(problem?.shown.contains("\u{1B}") == false)
    }

    @Test("ask for a sign-in only where one helps")
    func signIn() {
        let asks = { (code: String) in DesktopFileCommands.Open.isForLackOfSignIn(Problem(code, shown: "")) }
        #expect(asks("NotSignedIn") && asks("SignInExpired") && asks("invalid_grant"))
        #expect(!asks("ResourceNotFound") && !asks("HTTP403"))
    }

    @Test("open with this program, whatever its path is")
    func registration() throws {
        let made = try DesktopRegistration(environment: ["HOME": "/home/a"], program: "/opt/a \"b\" $c%/sally")
        #expect(made.files[0].path == "/home/a/.local/share/applications/sally-rdp.desktop")
        #expect(made.files[0].text.contains("Exec=\"/opt/a \\\\\"b\\\\\" \\\\$c%%/sally\" rdp open %f\n"))
        #expect(made.files[1].path == "/home/a/.local/share/mime/packages/sally-rdp.xml")
        #expect(
            try DesktopRegistration(environment: ["HOME": "/h", "XDG_DATA_HOME": "/d"], program: "s").dataDirectory
                == "/d"
        )
        #expect(throws: Problem.self) { try DesktopRegistration(environment: [:], program: "s") }
    }
}

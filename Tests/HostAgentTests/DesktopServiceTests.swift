import AgentWire
import FoundationEssentials
import Logging
import Testing
import Vocabulary

@testable import HostAgent

@Suite("The desktop service of a host")
struct DesktopServiceTests {
    private let root = TemporaryRoot()
    /// SHA-256 of the three bytes `abc`. Source: FIPS 180-4, appendix.
    private static let digestOfABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    private static let pam = """
        #%PAM-1.0
        auth required pam_env.so readenv=1
        auth required pam_env.so readenv=1 envfile=/etc/default/locale
        @include common-auth
        @include common-account
        @include common-session
        @include common-password

        """

    private func service(_ change: (inout AgentConfiguration) -> Void = { _ in }) -> DesktopService {
        var configuration = AgentConfiguration(
            server: "https://x",
            caFile: nil,
            identity: AgentConfiguration.Identity(hostId: .zero, tenantId: .zero, resourceId: "", controlPath: "")
        )
        change(&configuration)
        return DesktopService(layout: self.root.layout, configuration: configuration)
    }

    @Test("there is none without xrdp")
    func none() {
        #expect(self.service().report == nil)
    }

    @Test("xrdp's port and certificate are read from its own settings")
    func xrdp() throws {
        try self.root.write("/etc/pam.d/xrdp-sesman", Self.pam)
        try self.root.write(
            "/etc/xrdp/xrdp.ini",
            "[Globals]\n; port=1\nport = tcp://10.0.0.1:33890\ncertificate=/etc/own.pem\n[Xorg]\nport=-1\n"
        )
        try self.root.write(
            "/etc/own.pem",
            "noise\n-----BEGIN CERTIFICATE-----\nYW\nJj\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nAAAA\n"
        )
        #expect(
            self.service().report == DesktopReport(port: 33890, certificate: Self.digestOfABC, product: "xrdp")
        )
    }

    @Test("without TLS there is no certificate")
    func standardSecurity() throws {
        try self.root.write("/etc/pam.d/xrdp-sesman", Self.pam)
        try self.root.write("/etc/xrdp/xrdp.ini", "[Globals]\nport=3389\nsecurity_layer=rdp\n")
        #expect(self.service().report == DesktopReport(port: 3389, certificate: "", product: "xrdp"))
    }

    @Test(
        "reads every way of writing a port",
        arguments: [
            ("3389", 3389), ("tcp://:33890", 33890), ("tcp://127.0.0.1:5, tcp://:6", 5), ("tcp6://{::1}:7", 7),
            ("unix://./x tcp://:8", 8), ("vsock://1:9", nil), ("99999", nil), ("", nil),
        ] as [(String, Int?)]
    )
    func ports(_ text: String, _ port: Int?) {
        #expect(DesktopService.port(text) == port)
    }

    @Test("another service is what the configuration says")
    func other() throws {
        try self.root.write("/cert.der", "0abc")
        let report = self.service {
            $0.desktopCredentialCommand = ["/bin/set"]
            $0.desktopPort = 3390
            $0.desktopProduct = "shadow"
            $0.desktopCertificate = self.root.layout.path("/cert.der")
        }.report
        #expect(report?.port == 3390 && report?.product == "shadow" && report?.certificate.count == 64)
    }

    @Test("our password line stands behind pam_env and before the others, and goes without a trace")
    func pamEdit() throws {
        let added = PAMEdit.addingDesktop(to: Self.pam)
        let lines = added.split(separator: "\n").map(String.init)
        let place = try #require(lines.firstIndex { $0.hasPrefix("auth ") && $0.contains("pam_sallyport") })
        #expect(lines[place].contains("sufficient") && lines[place - 2].contains("envfile"))
        #expect(lines[place + 2] == "@include common-auth")
        let account = try #require(lines.firstIndex { $0.hasPrefix("account") && $0.contains("pam_sallyport") })
        #expect(lines[account + 2] == "@include common-account")
        #expect(PAMEdit.isDesktopAdded(to: added) && !PAMEdit.isDesktopAdded(to: Self.pam))
        #expect(PAMEdit.addingDesktop(to: added) == added)
        #expect(MarkedText.removingAll(from: added) == Self.pam)
    }

    @Test("another distribution's file is edited alike")
    func pamEditElsewhere() throws {
        let text = "#%PAM-1.0\nauth       include      password-auth\naccount    include      password-auth\n"
        let lines = PAMEdit.addingDesktop(to: text).split(separator: "\n")
        #expect(lines[2].contains("sufficient") && lines[4].contains("password-auth"))
        #expect(lines[6].contains("pam_sallyport") && lines[8].contains("password-auth"))
    }

    @Test("sshd's file gets no password line")
    func sshd() {
        #expect(!PAMEdit.adding(to: ConfigurationEditTests.pam).contains("sufficient"))
    }

    @Test("a host that is not ready says so")
    func notReady() async {
        let accounts = AccountTable(
            book: AccountBook(shell: "/bin/sh"),
            homes: HomeAssignments(base: "/home") { _, _ in false },
            layout: self.root.layout,
            now: .system
        )
        let desk = DesktopDesk(
            accounts: accounts,
            secrets: DesktopSecrets(),
            command: nil,
            isReady: { false },
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let account = AccountBookTests.account(1, "alice@x.y")
        let answer = await desk.answer(DesktopOrder(request: .zero, session: .zero, account: account))
        #expect(answer.refusal?.code == "DesktopUnavailable" && answer.password == nil)
    }

    @Test("a person whose number clashes with one of the machine's own gets none, others do")
    func clash() async throws {
        try self.root.write("/etc/passwd", "local:x:\(AccountBookTests.account(1, "alice@x.y").uid):1::/:/bin/sh\n")
        let accounts = AccountTable(
            book: AccountBook(shell: "/bin/sh"),
            homes: HomeAssignments(base: "/home") { _, _ in false },
            layout: self.root.layout,
            now: .system
        )
        let secrets = DesktopSecrets()
        let desk = DesktopDesk(
            accounts: accounts,
            secrets: secrets,
            command: nil,
            isReady: { true },
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let clashing = AccountBookTests.account(1, "alice@x.y")
        let refused = await desk.answer(DesktopOrder(request: .zero, session: .zero, account: clashing))
        #expect(refused.refusal?.code == "AccountClash")
        let bob = AccountBookTests.account(2, "bob@x.y")
        let answer = await desk.answer(DesktopOrder(request: .zero, session: .zero, account: bob))
        #expect(answer.user == "bob@x.y")
        #expect(secrets.spend(try #require(answer.password), of: bob.objectId) == .zero)
    }
}

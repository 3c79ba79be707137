@testable import Client
@testable import CommandLine
import Testing
import Vocabulary

@Suite("Desktops")
struct DesktopTests {
    static let machine =
        "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/demo/providers/Microsoft.Compute/virtualMachines/"

    static func bastion(
        _ name: String = "b",
        sku: String = "Standard",
        tunneling: Bool = true,
        addresses: Bool = true,
        kerberos: Bool = true,
        network: String? = nil
    ) throws -> Bastion {
        var properties: JSONValue = [
            "dnsName": "b.example:8443", "enableTunneling": .bool(tunneling), "enableIpConnect": .bool(addresses),
            "enableKerberos": .bool(kerberos),
        ]
        if let network {
            properties["ipConfigurations"] = [["properties": ["subnet": ["id": .string(network + "/subnets/s")]]]]
        }
        return try #require(
            Bastion(["id": .string("/bastions/" + name), "sku": ["name": .string(sku)], "properties": properties])
        )
    }

    static func request(
        _ name: String = "myVM",
        address: String? = nil,
        port: Int = 3389,
        asked: DesktopSignIn? = nil,
        enableMFA: Bool = false,
        disableGateway: Bool = false,
        bastion: Bastion? = nil
    ) throws -> DesktopRequest {
        try DesktopRequest(
            target: (Self.machine + name, address),
            port: port,
            asked: asked,
            enableMFA: enableMFA,
            disableGateway: disableGateway,
            through: bastion ?? Self.bastion()
        )
    }

    static func launch(
        _ client: DesktopClient,
        _ signIn: DesktopSignIn = .gateway,
        user: String? = nil,
        edited: Bool = false
    ) -> DesktopLaunch {
        DesktopLaunch(
            client: client,
            file: "/home/a/.sally/desktops/1/myVM.rdp",
            signIn: signIn,
            user: user,
            isToBeEdited: edited,
            account: Account(
                url: "https://bastion.example:8443",
                authorityFile: "/home/a/ca.pem",
                tenantID: .zero,
                kind: .user,
                name: "alice@contoso.example"
            )
        )
    }

    private static func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? Problem)?.code
        }
    }

    // MARK: What was asked

    @Test("signs in by the gateway's token unless told otherwise")
    func plain() throws {
        let request = try Self.request()
        #expect(request.signIn == .gateway)
        #expect(!request.isTunnelled)
    }

    @Test("takes --enable-mfa and --auth-type aad for the same thing")
    func webAccount() throws {
        #expect(try Self.request(enableMFA: true).signIn == .webAccount)
        #expect(try Self.request(asked: .webAccount).signIn == .webAccount)
        #expect(try Self.request(asked: .webAccount, enableMFA: true).signIn == .webAccount)
    }

    @Test("reads --auth-type in any letter case")
    func authType() {
        #expect(DesktopAuthType(argument: "AAD")?.signIn == .webAccount)
        #expect(DesktopAuthType(argument: "Kerberos")?.signIn == .kerberos)
        #expect(DesktopAuthType(argument: "ssh-key") == nil)
    }

    @Test("asks the machine for its own sign-in through a tunnel")
    func tunnel() throws {
        let request = try Self.request(disableGateway: true)
        #expect(request.isTunnelled)
        #expect(request.signIn == .password)
        #expect(try Self.request(address: "10.0.0.4").isTunnelled)
    }

    @Test("refuses a web account without the gateway and by address", arguments: [true, false])
    func webAccountWithoutGateway(byAddress: Bool) throws {
        for enableMFA in [true, false] {
            let code = Self.code {
                _ = try Self.request(
                    address: byAddress ? "10.0.0.4" : nil,
                    asked: enableMFA ? nil : .webAccount,
                    enableMFA: enableMFA,
                    disableGateway: !byAddress
                )
            }
            #expect(code == "WebAccountNotPossible")
        }
    }

    @Test("refuses what does not go together, each with a code of its own")
    func refusals() throws {
        #expect(Self.code { _ = try Self.request(asked: .password, enableMFA: true) } == "AuthType")
        #expect(Self.code { _ = try Self.request(asked: .kerberos, disableGateway: true) } == "KerberosNotPossible")
        #expect(Self.code { _ = try Self.request(address: "10.0.0.4", port: 3390) } == "CustomPortNotSupported")
        let basic = try Self.bastion(sku: "Basic")
        #expect(Self.code { _ = try Self.request(bastion: basic) } == "NativeClientNotSupported")
        let closed = try Self.bastion(tunneling: false)
        #expect(Self.code { _ = try Self.request(bastion: closed) } == "TunnelingDisabled")
        let named = try Self.bastion(addresses: false)
        #expect(Self.code { _ = try Self.request(address: "10.0.0.4", bastion: named) } == "IPConnectDisabled")
        let plain = try Self.bastion(kerberos: false)
        #expect(Self.code { _ = try Self.request(asked: .kerberos, bastion: plain) } == "KerberosDisabled")
        #expect(Self.code { _ = try Self.request("a%2f..") } == "InvalidResourceId")
    }

    @Test("asks for the file as the Azure CLI does, and says when the machine signs in itself")
    func address() throws {
        let target = try #require(ResourcePath(Self.machine + "my VM&x=1"))
        #expect(
            DesktopFileClient.address(target: target, port: 3390, signIn: .webAccount)
                == "/api/rdpfile?resourceId=\(Self.machine)my%20VM%26x%3D1&format=rdp&rdpport=3390&enablerdsaad=True"
        )
        #expect(
            DesktopFileClient.address(target: target, port: 3389, signIn: .password).hasSuffix("&enablerdsaad=False")
        )
        #expect(DesktopFileClient.address(target: target, port: 3389, signIn: .gateway).hasSuffix("&rdpport=3389"))
    }

    // MARK: The client

    private static func find(
        _ installed: [String],
        _ environment: [String: String] = ["DISPLAY": ":0"],
        says: String = "This is FreeRDP version 2.11.7 (2.11.7)\n"
    ) throws -> DesktopClient {
        try DesktopClient.find(
            isMac: false,
            environment: environment,
            find: { installed.contains($0) ? "/usr/bin/" + $0 : nil },
            version: { _ in says }
        )
    }

    @Test("prefers FreeRDP 3, and asks a plain xfreerdp for its version")
    func versions() throws {
        #expect(try Self.find(["xfreerdp", "xfreerdp3"]) == .freeRDP(path: "/usr/bin/xfreerdp3", version: 3))
        #expect(try Self.find(["xfreerdp"]) == .freeRDP(path: "/usr/bin/xfreerdp", version: 2))
        #expect(
            try Self.find(["xfreerdp"], says: "This is FreeRDP version 3.30.1-dev0 (n/a)\n")
                == .freeRDP(path: "/usr/bin/xfreerdp", version: 3)
        )
        #expect(try Self.find(["xfreerdp"], says: "version") == .freeRDP(path: "/usr/bin/xfreerdp", version: 2))
    }

    @Test("takes Windows's own client inside Windows")
    func windows() throws {
        let client = try Self.find(["xfreerdp", "mstsc.exe", "wslpath"])
        #expect(client == .mstsc(path: "/usr/bin/mstsc.exe", pathTool: "/usr/bin/wslpath"))
    }

    @Test("starts no X11 program on a screen that has none")
    func wayland() throws {
        let wayland = ["WAYLAND_DISPLAY": "wayland-0"]
        #expect(try Self.find(["xfreerdp3", "wlfreerdp"], wayland) == .freeRDP(path: "/usr/bin/wlfreerdp", version: 2))
        #expect(Self.code { _ = try Self.find(["xfreerdp3"], wayland) } == "NoDesktopClient")
    }

    @Test("says what to install, and that there is no screen")
    func none() {
        #expect(Self.code { _ = try Self.find([]) } == "NoDesktopClient")
        #expect(Self.code { _ = try Self.find(["xfreerdp"], ["DISPLAY": ""]) } == "NoScreen")
    }

    @Test("gives FreeRDP 2 nothing but the file when the gateway signs in")
    func freeRDP2() throws {
        let launch = Self.launch(.freeRDP(path: "/usr/bin/xfreerdp", version: 2))
        #expect(try launch.words() == [launch.file])
        #expect(launch.environment == ["SSL_CERT_FILE": "/home/a/ca.pem"])
    }

    @Test("gives FreeRDP 3 an empty password, so that it does not ask")
    func freeRDP3() throws {
        let launch = Self.launch(.freeRDP(path: "x", version: 3))
        #expect(try launch.words() == [launch.file, "/p:"])
    }

    @Test("sends FreeRDP 3 to this server's sign-in for a web account")
    func azure() throws {
        let words = try Self.launch(.freeRDP(path: "x", version: 3), .webAccount).words()
        #expect(words.dropFirst().first == "/sec:aad")
        #expect(
            words.last == "/azure:ad:bastion.example:8443,tenantid:00000000-0000-0000-0000-000000000000,use-tenantid:on"
        )
    }

    @Test("opens a web account's desktop with FreeRDP 2 by the gateway's token")
    func freeRDP2Limits() throws {
        let launch = Self.launch(.freeRDP(path: "x", version: 2), .webAccount)
        #expect(try launch.words() == [launch.file])
    }

    @Test("needs no Kerberos of the client, and no password again", arguments: [2, 3])
    func kerberosClients(version: Int) throws {
        let launch = Self.launch(.freeRDP(path: "x", version: version), .kerberos)
        #expect(try launch.words() == [launch.file] + (version == 3 ? ["/p:"] : []))
    }

    @Test("sends an account of a domain in the body of the question, never in its address")
    func domainAccount() throws {
        let target = try #require(ResourcePath(Self.machine + "myVM"))
        let address = DesktopFileClient.address(target: target, port: 3389, signIn: .kerberos)
        #expect(address.hasSuffix("&rdpport=3389&authtype=kerberos"))
        let account = DomainAccount(name: "CORP.EXAMPLE\\alice", password: Secret("a&b=c d+ü"))
        let form = try #require(FormFields(account.form))
        #expect(form["username"] == "CORP.EXAMPLE\\alice")
        #expect(form["password"] == "a&b=c d+ü")
        #expect(!"\(account)".contains("a&b"))
    }

    @Test("never tells FreeRDP to accept any certificate, or a password", arguments: [2, 3])
    func noShortCuts(version: Int) throws {
        for signIn in DesktopSignIn.allCases {
            let words = (try? Self.launch(.freeRDP(path: "x", version: version), signIn).words()) ?? []
            #expect(!words.contains { $0.hasPrefix("/cert") || $0.hasPrefix("/gat") || $0.hasPrefix("/gateway") })
            #expect(!words.contains { $0.hasPrefix("/p:") && $0 != "/p:" })
        }
    }

    @Test("opens mstsc to be edited, under the name that Windows has for the file")
    func mstsc() throws {
        var launch = Self.launch(.mstsc(path: "/mnt/c/mstsc.exe", pathTool: "wslpath"), edited: true)
        launch.clientFile = #"\\wsl.localhost\Debian\home\a\myVM.rdp"#
        #expect(try launch.words() == ["/edit", #"\\wsl.localhost\Debian\home\a\myVM.rdp"#])
        #expect(launch.environment.isEmpty)
    }

    @Test("keeps a user's name one word that is no option", arguments: SSHInvocationTests.hostileNames)
    func hostileUser(name: String) throws {
        for version in [2, 3] {
            let words = try Self.launch(.freeRDP(path: "x", version: version), .password, user: name).words()
            #expect(words.dropFirst() == ["/u:" + name])
        }
    }

    @Test("names files so that no client takes them for an option", arguments: SSHInvocationTests.hostileNames)
    func hostileFile(name: String) throws {
        let file = DesktopFile.name(for: try Self.request(name))
        #expect(file.hasSuffix(".rdp"))
        #expect(!file.hasPrefix("-") && !file.hasPrefix("."))
        #expect(
            file.unicodeScalars.allSatisfy {
                $0.isASCII && $0.value > 0x20 && !"/'\"\\$`;:".unicodeScalars.contains($0)
            }
        )
    }

    // MARK: Its end

    private static func end(_ status: Int32, _ signIn: DesktopSignIn = .gateway, reason: String? = nil) -> Problem? {
        DesktopOutcome.problem(
            .freeRDP(path: "x", version: 2),
            status: status,
            signIn: signIn,
            account: "alice",
            reason: reason
        )
    }

    @Test("takes leaving a desktop for success", arguments: [0, 1, 2, 11, 12, -2] as [Int32])
    func left(status: Int32) {
        #expect(Self.end(status) == nil)
    }

    @Test("tells refusals apart")
    func ends() {
        #expect(Self.end(132, .password)?.code == "LoginFailed")
        #expect(Self.end(132, reason: "No role.")?.code == "SignInNotAllowed")
        #expect(Self.end(155)?.shown.contains("Virtual Machine User Login") == true)
        #expect(Self.end(131, reason: "No role.")?.code == "SignInNotAllowed")
        #expect(Self.end(131, reason: "No role.")?.shown.contains("No role.") == true)
        #expect(Self.end(131, .password, reason: "No role.")?.code == "ConnectionFailed")
        #expect(Self.end(131)?.shown.contains("'Service message'") == true)
        #expect(Self.end(152)?.code == "PasswordExpired")
        #expect(Self.end(-9)?.code == "ClientEnded")
    }

    @Test("says in what Windows calls it that a policy asks for more")
    func policy() {
        let problem = DesktopOutcome.explained(Problem("invalid_grant", shown: "AADSTS50076: use a second factor."))
        #expect(problem.shown.contains("'sally login'"))
        #expect(problem.shown.contains("second factor."))
        #expect(DesktopOutcome.explained(Problem("Other", shown: "No.")).shown == "No.")
    }
}

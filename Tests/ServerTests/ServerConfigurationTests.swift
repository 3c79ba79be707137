import Testing
import Vocabulary

@testable import Server

@Suite("Settings of the server")
struct ServerConfigurationTests {
    @Test("the command line wins over the environment, and that over the file")
    func precedence() throws {
        let file = ["port": "1111", "data": "/file", "drain": "9"]
        let environment = ["SALLYPORT_SERVE_PORT": "2222", "SALLYPORT_SERVE_DATA": "/environment"]
        let configuration = try ServerConfiguration(flags: [.port: "3333"], environment: environment, file: file)
        #expect(configuration.port == 3333)
        #expect(configuration.dataDirectory == "/environment")
        #expect(configuration.drain == .seconds(9))
    }

    @Test("an unknown setting in the file is refused and named")
    func unknown() {
        let problem = #expect(throws: Problem.self) {
            try ServerConfiguration(flags: [:], environment: [:], file: ["prot": "8443"])
        }
        #expect(problem?.shown.contains("'prot'") == true)
        #expect(problem?.shown.contains("port") == true)
    }

    @Test(
        "a value that makes no sense is refused and its setting named",
        arguments: [
            (Setting.port, "0"), (.port, "65536"), (.port, "https"), (.publicURL, "http://plain.example"),
            (.publicURL, "https://host.example/path"), (.publicURL, "https://"), (.logLevel, "loud"),
            (.tenantID, "contoso"),
            (.sshCAType, "dsa"), (.cutAtExpiry, "maybe"), (.certificateLife, "10"), (.tunnelIdleLimit, "-1"),
        ]
    )
    func nonsense(setting: Setting, value: String) {
        let problem = #expect(throws: Problem.self) {
            try ServerConfiguration(flags: [setting: value], environment: [:], file: [:])
        }
        #expect(problem?.shown.contains(setting.rawValue) == true)
    }

    @Test("a certificate without its key is refused")
    func halfCertificate() {
        #expect(throws: Problem.self) {
            try ServerConfiguration(flags: [.tlsCertificate: "/a.pem"], environment: [:], file: [:])
        }
    }

    @Test(
        "the host of the public address is found",
        arguments: [
            ("https://bastion.example", "bastion.example"), ("https://localhost:8443/", "localhost"),
            ("https://[::1]:8443", "::1"),
        ]
    )
    func publicHost(url: String, host: String) throws {
        let configuration = try ServerConfiguration(flags: [.publicURL: url], environment: [:], file: [:])
        #expect(configuration.publicHost == host)
        #expect(!configuration.publicURL.hasSuffix("/"))
    }

    @Test("a limit of zero means none")
    func noLimit() throws {
        let configuration = try ServerConfiguration(flags: [.tunnelIdleLimit: "0"], environment: [:], file: [:])
        #expect(configuration.tunnelIdleLimit == nil)
        #expect(configuration.tunnelTotalLimit == .seconds(86_400))
    }
}

import Testing
import Vocabulary

@testable import CommandLine

@Suite("The Azure CLI's files")
struct INITextTests {
    private let text = "[core]\nfirst_run = yes\ninstance_discovery = true\n\n[cloud]\nname = AzureCloud\n"

    @Test("finds a value by section and key")
    func finds() {
        let text = INIText(self.text)
        #expect(text.value("instance_discovery", in: "core") == "true")
        #expect(text.value("name", in: "core") == nil)
        #expect(text.value("name", in: "clouds") == nil)
    }

    @Test("changes one line and leaves all others")
    func changes() {
        var text = INIText(self.text)
        text.set("instance_discovery", in: "core", to: "false")
        #expect(text.text == self.text.replacing("= true", with: "= false"))
    }

    @Test("takes back exactly what it added", arguments: ["core", "extension"])
    func takesBack(_ section: String) {
        var text = INIText(self.text)
        text.set("index_url", in: section, to: "https://x/index.json")
        #expect(text.value("index_url", in: section) == "https://x/index.json")
        text.set("index_url", in: section, to: nil)
        #expect(text.text == self.text)
    }

    @Test("replaces, adds and removes a whole section")
    func sections() {
        var text = INIText("[a]\nx = 1\n[b]\ny = 2\n")
        #expect(text.section("a") == "[a]\nx = 1\n")
        text.replaceSection("a", with: "[a]\nx = 3\n")
        #expect(text.text == "[a]\nx = 3\n[b]\ny = 2\n")
        text.replaceSection("a", with: nil)
        #expect(text.text == "[b]\ny = 2\n")
        text.replaceSection("c", with: "[c]\nz = 1\n")
        #expect(text.text == "[b]\ny = 2\n[c]\nz = 1\n")
    }

    @Test("is empty when nothing is in it")
    func empty() {
        var text = INIText("")
        #expect(text.text == "" && text.section("a") == nil)
        text.set("k", in: "a", to: nil)
        #expect(text.text == "")
    }
}

@Suite("What the Azure CLI is told")
struct AzureSettingsTests {
    private func settings(authority: String? = "/etc/our ca.pem", folder: String? = nil) -> AzureSettings {
        AzureSettings(
            base: "https://bastion.example",
            authorityFile: authority,
            folder: folder,
            place: "/home/a b/.sally/az"
        )
    }

    @Test("a private authority is named to both of its libraries")
    func authority() {
        let text = self.settings().variablesText
        #expect(text.contains("export REQUESTS_CA_BUNDLE='/home/a b/.sally/az/ca.pem'\n"))
        #expect(text.contains("export SSL_CERT_FILE='/home/a b/.sally/az/ca.pem'\n"))
    }

    @Test("the system's authorities need no variables")
    func system() {
        #expect(self.settings(authority: nil).variables.isEmpty)
        #expect(self.settings(authority: nil, folder: "/x").variables == ["AZURE_CONFIG_DIR": "/x"])
    }

    @Test("the index is named only when there is something in it")
    func index() {
        #expect(self.settings().commands(indexURL: nil).count == 2)
        #expect(self.settings().commands(indexURL: "https://x/i")[2].contains("extension.index_url=https://x/i"))
    }

    @Test(
        "words are quoted as a shell reads them back",
        arguments: [("a b", "'a b'"), ("it's", "'it'\\''s'"), ("a=b", "a=b"), ("", "''")]
    )
    func quoting(_ word: String, _ quoted: String) {
        #expect(AzureSettings.quoted(word) == quoted)
    }
}

@Suite("What is found about the Azure CLI")
struct AzureCheckTests {
    private func cloud(_ name: String, _ base: String) -> JSONValue {
        [
            "name": .string(name),
            "endpoints": [
                "resourceManager": .string(base + "/"), "activeDirectory": .string(base),
                "microsoftGraphResourceId": .string(base + "/"),
            ],
        ]
    }

    @Test("a cloud whose every address is the server's is good")
    func good() {
        #expect(!AzureCheck.cloud(self.cloud("AzureCloud", "https://b.example"), base: "https://b.example").isFailure)
    }

    @Test("an address that only begins like the server's is not the server's")
    func other() {
        let finding = AzureCheck.cloud(self.cloud("AzureCloud", "https://b.example.evil"), base: "https://b.example")
        #expect(finding.isFailure && finding.line.contains("resourceManager"))
    }

    @Test("a cloud of a name that the SSH extension does not know is said to be so")
    func name() {
        #expect(AzureCheck.cloud(self.cloud("MyCloud", "https://b.example"), base: "https://b.example").isFailure)
    }

    @Test("instance discovery must be off", arguments: [("false", false), ("no", false), ("true", true), ("", true)])
    func discovery(_ value: String, _ fails: Bool) {
        #expect(AzureCheck.discovery(["name": "instance_discovery", "value": .string(value)]).isFailure == fails)
    }

    @Test(
        "missing extensions are notes with the line that will work",
        arguments: [
            ([], "az extension add --name bastion   (from Microsoft's index)"),
            (["bastion"], "az extension add --name bastion   (from this server's index)"),
            (["other"], "az extension add --source FILE.whl   (this server's index does not have it)"),
        ]
    )
    func extensions(_ offered: [String], _ line: String) {
        let findings = AzureCheck.extensions([["name": "ssh", "version": "2.0.6"]], offered: offered)
        #expect(findings.map(\.isFailure) == [false, false])
        #expect(findings[0].line == "ok   ssh: extension 2.0.6")
        #expect(findings[1].line.hasSuffix(line))
    }

    @Test(
        "a port besides 443 is said",
        arguments: [("https://a", nil), ("https://a:443", nil), ("https://a:8443", "8443"), ("https://[::1]", nil)]
    )
    func port(_ base: String, _ port: String?) {
        #expect(AzureCheck.port(of: base) == port)
    }
}

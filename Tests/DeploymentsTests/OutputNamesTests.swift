import Testing

@testable import Deployments

@Suite("Names of outputs")
struct OutputNamesTests {
    @Test(
        "begin with small letters",
        arguments: [
            ("VMSS", "vmss"), ("URLText", "urlText"), ("Id", "id"), ("id", "id"), ("myVM", "myVM"), ("_A", "_A"),
            ("", ""),
        ]
    )
    func begin(with name: String, and shown: String) {
        #expect(OutputNames.shown(name) == shown)
    }
}

import Testing

@testable import AccessControl

@Suite("Action patterns")
struct ActionPatternTests {
    @Test(
        "cover what they should",
        arguments: [
            ("*", "Microsoft.Compute/virtualMachines/write"),
            ("*/read", "Microsoft.Network/bastionHosts/read"),
            ("Microsoft.Compute/virtualMachines/*", "microsoft.compute/VIRTUALMACHINES/extensions/write"),
            ("Microsoft.Compute/virtualMachines/*/read", "Microsoft.Compute/virtualMachines/extensions/read"),
            ("Microsoft.Compute/virtualMachines/*/read", "Microsoft.Compute/virtualMachines/read"),
            ("Microsoft.Authorization/*/Write", "Microsoft.Authorization/roleAssignments/write"),
            ("a/*/b/*/c", "a/b/c"),
            ("a/*/b/*/c", "a/x/b/c"),
            ("*ab*ab*", "xabab"),
            ("Microsoft.Compute/disks/read", "microsoft.compute/Disks/READ"),
        ]
    )
    func covers(pattern: String, name: String) {
        #expect(ActionPatterns([pattern]).cover(Action(name).key))
    }

    @Test(
        "do not cover what they should not",
        arguments: [
            ("*/read", "Microsoft.Compute/virtualMachines/readiness"),
            ("Microsoft.Compute/virtualMachines/*/read", "Microsoft.Compute/virtualMachinesX/read"),
            ("Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/virtualMachines"),
            ("Microsoft.Compute/disks/read", "Microsoft.Compute/disks/read/more"),
            ("a/*/a", "a/a".dropLast().description),
            ("*ab*ab*", "xaby"),
            ("", "a/read"),
        ]
    )
    func doesNotCover(pattern: String, name: String) {
        #expect(!ActionPatterns([pattern]).cover(Action(name).key))
    }
}

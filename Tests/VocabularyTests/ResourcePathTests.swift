import Testing
import Vocabulary

@Suite("ResourcePath")
struct ResourcePathTests {
    static let subscription = "/subscriptions/11111111-1111-4111-8111-111111111111"
    static let group = subscription + "/resourceGroups/Demo"
    static let machine = group + "/providers/Microsoft.Compute/virtualMachines/myVM"

    @Test("keeps the spelling and compares without letter case")
    func spelling() throws {
        let path = try #require(ResourcePath(Self.machine))
        #expect(path.description == Self.machine)
        #expect(path == ResourcePath(Self.machine.uppercased()))
        #expect(path.hashValue == ResourcePath(Self.machine.lowercased())?.hashValue)
        #expect(path.name == "myVM")
        #expect(path.key == Self.machine.lowercased())
    }

    @Test(
        "collapses doubled and trailing slashes",
        arguments: [("/", "/"), ("//", "/"), ("/a/", "/a"), ("//a///b//", "/a/b"), ("/a b/c.d", "/a b/c.d")]
    )
    func slashes(text: String, canonical: String) {
        #expect(ResourcePath(text)?.description == canonical)
    }

    @Test(
        "refuses what is no path or could be read as another one",
        arguments: [
            "", "a", "a/b", "https://host/a", "/a/../b", "/..", "/a/.", "/./a", "/a\\b", "/a?x", "/a#x", "/a%2fb",
            "/a\nb", "/a\u{0}",
            "/a\r\nb", "/a\u{7f}", "/a\u{85}b", "/a\u{2028}b", "/a\u{202e}b", "/a\u{200b}b", "/a\u{ad}b", "/a\u{feff}",
            // A mark joins the character before it: none of these is the separator, dot or percent sign that it looks like.
            "/a/\u{301}b", "/\u{301}a/b", "/a%\u{301}2f", "/a/..\u{301}", "/a?\u{20e3}", "/a\u{338}b",
            // Spellings that are equal as text and not as bytes.
            "/cafe\u{301}", "/\u{212b}", "/\u{2126}", "/\u{f900}", "/\u{1100}\u{1161}", "/\u{e000}", "/\u{378}",
            "/" + String(repeating: "a", count: 2048),
        ]
    )
    func refused(text: String) {
        #expect(ResourcePath(text) == nil)
    }

    @Test("takes letters of every script", arguments: ["/caf\u{e9}", "/日本", "/Ω", "/\u{ac00}", "/مرحبا", "/(a)_b-c.1"])
    func scripts(text: String) {
        #expect(ResourcePath(text)?.description == text)
    }

    @Test("takes 2,048 bytes and not one more")
    func length() {
        #expect(ResourcePath("/" + String(repeating: "a", count: 2047)) != nil)
        #expect(ResourcePath("/" + String(repeating: "é", count: 1024)) == nil)
    }

    @Test("contains itself and what lies below, by whole segments and in any letter case")
    func contains() throws {
        let group = try #require(ResourcePath(Self.group))
        let machine = try #require(ResourcePath(Self.machine.uppercased()))
        let neighbour = try #require(ResourcePath(Self.group + "2"))
        #expect(group.contains(group) && group.contains(machine) && ResourcePath.root.contains(group))
        #expect(ResourcePath.root.contains(.root))
        #expect(!machine.contains(group) && !group.contains(neighbour) && !group.contains(.root))
        #expect(!neighbour.contains(group))
    }

    @Test(
        "a parent lacks the last pair, and its provider when that becomes empty",
        arguments: [
            (machine, group), (group, subscription), (subscription, "/"), ("/a", "/"),
            (machine + "/extensions/x", machine),
            (machine + "/providers/Microsoft.Authorization/roleAssignments/x", machine),
            (group + "/providers/Microsoft.Compute/virtualMachines", group),
            (subscription + "/resourceGroups", subscription),
            (subscription + "/resourceGroups/providers", subscription),
            ("/providers/Microsoft.Management/managementGroups/top", "/"),
        ]
    )
    func parent(text: String, expected: String) {
        #expect(ResourcePath(text)?.parent?.description == expected)
    }

    @Test("the root has no parent, no name and no type")
    func root() {
        #expect(ResourcePath.root.parent == nil && ResourcePath.root.name.isEmpty && ResourcePath.root.type == nil)
        #expect(ResourcePath.root == ResourcePath("/") && ResourcePath.root.description == "/")
    }

    @Test(
        "the type is that of the innermost provider",
        arguments: [
            (machine, "Microsoft.Compute/virtualMachines"),
            (machine + "/extensions/x", "Microsoft.Compute/virtualMachines/extensions"),
            (
                machine + "/providers/Microsoft.Authorization/roleAssignments/x",
                "Microsoft.Authorization/roleAssignments"
            ),
            (subscription, "Microsoft.Resources/subscriptions"), (group, "Microsoft.Resources/resourceGroups"),
            (group + "/providers/Microsoft.Compute/virtualMachines", nil),
            (group + "/providers/Microsoft.Compute", nil),
            (subscription + "/resourceGroups", nil), ("/providers", nil), ("/a/b", nil),
            // Somebody's name may be "providers".
            (subscription + "/resourceGroups/providers", "Microsoft.Resources/resourceGroups"),
            (
                subscription + "/resourceGroups/providers/providers/Microsoft.Compute/virtualMachines/vm",
                "Microsoft.Compute/virtualMachines"
            ),
            (group + "/providers/Microsoft.Compute/virtualMachines/providers", "Microsoft.Compute/virtualMachines"),
            (
                group + "/providers/Microsoft.Compute/virtualMachines/providers/extensions/x",
                "Microsoft.Compute/virtualMachines/extensions"
            ),
            (subscription + "/resourceGroups/providers/Microsoft.Compute/virtualMachines/vm", nil),
        ] as [(String, String?)]
    )
    func type(text: String, expected: String?) {
        #expect(ResourcePath(text)?.type == expected)
    }

    @Test("a type compares without letter case")
    func isOfType() throws {
        let path = try #require(ResourcePath(Self.machine))
        #expect(path.isOf(type: "microsoft.compute/VIRTUALMACHINES"))
        #expect(!path.isOf(type: "Microsoft.Compute/disks"))
    }

    @Test("knows the subscription and the resource group")
    func places() throws {
        let path = try #require(ResourcePath(Self.machine.replacing("resourceGroups", with: "RESOURCEGROUPS")))
        #expect(path.subscription == GUID("11111111-1111-4111-8111-111111111111"))
        #expect(path.resourceGroup == "Demo")
        #expect(ResourcePath("/subscriptions/nobody")?.subscription == nil)
        #expect(ResourcePath("/tenants/x/resourceGroups/y")?.resourceGroup == nil)
        #expect(ResourcePath("/subscriptions")?.subscription == nil)
    }

    @Test("appends segments")
    func appending() {
        #expect(ResourcePath.root.appending("a", "b").description == "/a/b")
    }

    @Test("reads itself back from JSON, and nothing hostile")
    func codable() throws {
        let path = try #require(ResourcePath(Self.machine))
        let text = String(decoding: try JSONText.encode([path]), as: UTF8.self)
        #expect(text == "[\"\(Self.machine)\"]")
        #expect(try JSONText.decode([ResourcePath].self, from: text).first?.description == Self.machine)
        #expect(throws: DecodingError.self) { try JSONText.decode([ResourcePath].self, from: #"["/a/../b"]"#) }
    }

    @Test("any text either is refused or reads back as the same path")
    func fuzz() {
        var generator = SeededGenerator(state: 11)
        let pieces: [String] = [
            "/", "/", "/", "a", "B", ".", "..", "providers", "subscriptions", "é", "e\u{301}", "\u{301}", "%", "\\",
            "\0", "\r\n", " ", "İ", "K",
            "ß", "👩‍👩‍👧", "\u{1161}",
        ]
        for _ in 0..<20_000 {
            let text =
                "/"
                + (0..<Int.random(in: 0...8, using: &generator)).map { _ in
                    pieces.randomElement(using: &generator) ?? ""
                }.joined()
            guard let path = ResourcePath(text) else { continue }
            let again = ResourcePath(path.description)
            #expect(again?.description == path.description && again == path)
            #expect(path.key.utf8.split(separator: UInt8(ascii: "/")).count == path.segments.count)
            #expect(path.parent?.contains(path) ?? path.segments.isEmpty)
            #expect(ResourcePath(path.key)?.key == path.key || path.description.contains("İ"))
        }
    }
}

import Client
@testable import CommandLine
import FoundationEssentials
import Testing
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("SSHInvocation")
struct SSHInvocationTests {
    private static let scope = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/"

    private static func invocation(
        name: String = "myVM",
        group: String = "Demo",
        program: String = "/usr/bin/sally",
        directory: String = "/home/a/.sally/run",
        principals: [String] = ["alice@contoso.example", "0c1e5b0a-0000-4000-8000-000000000001"],
        dnsName: String = "bastion.example:8443"
    ) throws -> SSHInvocation {
        let machine = try #require(
            ResourcePath(Self.scope + group + "/providers/Microsoft.Compute/virtualMachines/" + name)
        )
        let bastion = try #require(
            Bastion(["id": "/b", "properties": ["dnsName": .string(dnsName)]])
        )
        return SSHInvocation(
            program: program,
            credentials: SSHCredentials(
                keyFile: directory + "/id_ed25519",
                certificateFile: directory + "/id_ed25519-cert.pub",
                knownHostsFile: directory + "/known_hosts",
                principals: principals,
                validBefore: Instant(seconds: 0)
            ),
            machine: Machine(path: machine),
            bastion: bastion,
            port: 22
        )
    }

    // Names that people could try: for the shell, for ssh's configuration, for its options. What a resource path refuses is not here.
    static let hostileNames = [
        "a b", "a'b", "a;id", "$(touch pwned)", "`touch pwned`", "-oProxyCommand=touch pwned", "--", "a|b", "a&b",
        "a>b", "a*b", "(demo)",
        "a=b", "~root", "é日", "a,b", "!a", "{a}", "Match", "a@b", "[a]", ".", "a:b",
    ].filter { $0 != "." }

    /// Runs a program without a shell; its exit status and what it printed.
    private static func run(_ words: [String], in directory: String) throws -> (status: Int32, output: String) {
        let output = directory + "/output"
        var list: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { list.forEach { free($0) } }
        #if canImport(Darwin)
            var files: posix_spawn_file_actions_t?
        #else
            var files = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&files, 1, 2)
        var process = pid_t()
        try #require(posix_spawnp(&process, words[0], &files, nil, &list, environ) == 0)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        return (status >> 8 & 0xff, String(decoding: try Data(contentsOf: URL(filePath: output)), as: UTF8.self))
    }

    /// A directory for one test.
    private static func withScratch(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/sally-ssh-" + GUID(from: .system).description
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    /// The values that `ssh -G` prints, by keyword.
    private static func values(_ text: String) -> [String: String] {
        Dictionary(
            text.split(separator: "\n").map { line in
                let keyword = line.prefix { $0 != " " }
                return (String(keyword), String(line.dropFirst(keyword.count + 1)))
            },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// What a shell makes of the proxy command: the words that the program would get.
    private static func proxyWords(_ command: String, in directory: String) throws -> [String] {
        // `ssh` replaces its own tokens before the shell sees the command; only `%%` is left in it.
        let script = command.replacing("%%", with: "%")
        let (_, output) = try Self.run(["/bin/sh", "-c", "printf '%s\\n' \(script)"], in: directory)
        return output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    @Test("ssh reads back the section that was written")
    func readBack() throws {
        try Self.withScratch { directory in
            let section = try Self.invocation().configuration(host: "demo-myVM")
            try Data(section.utf8).write(to: URL(filePath: directory + "/config"))
            // `false` as the hook: reading must not depend on it.
            let (status, output) = try Self.run(["ssh", "-G", "-F", directory + "/config", "demo-myVM"], in: directory)
            let values = Self.values(output)
            #expect(status == 0, "\(output)")
            #expect(values["hostname"] == "myvm.demo.11111111-1111-4111-8111-111111111111")
            #expect(values["hostkeyalias"] == "myvm.demo.11111111-1111-4111-8111-111111111111")
            #expect(values["user"] == "alice@contoso.example")
            #expect(values["identityfile"] == "/home/a/.sally/run/id_ed25519")
            #expect(values["pubkeyacceptedalgorithms"] == "ssh-ed25519-cert-v01@openssh.com")
            #expect(values["userknownhostsfile"] == "/home/a/.sally/run/known_hosts")
            #expect(values["globalknownhostsfile"] == "none" || values["globalknownhostsfile"] == "/dev/null")
            #expect(values["stricthostkeychecking"] == "true" && values["identitiesonly"] == "yes")
            #expect(
                values["proxycommand"]
                    == "/usr/bin/sally network bastion proxy --bastion-dns bastion.example:8443 --target-resource-id "
                    + Self.scope + "Demo/providers/Microsoft.Compute/virtualMachines/myVM --resource-port 22"
            )
            let other = try Self.run(["ssh", "-G", "-F", directory + "/config", "elsewhere"], in: directory)
            #expect(Self.values(other.output)["proxycommand"] == nil)
        }
    }

    @Test(
        "a hostile name reaches the program as one word, and nothing else is run (X57, X58, X63)",
        arguments: hostileNames
    )
    func hostile(name: String) throws {
        try Self.withScratch { directory in
            for (vm, group) in [(name, "Demo"), ("myVM", name)] {
                let invocation = try Self.invocation(name: vm, group: group)
                let host = SSHInvocation.hostPattern(invocation.machine)
                #expect(SSHInvocation.isPlain(host))
                let section = try invocation.configuration(host: host)
                #expect(section.split(separator: "\n").count == 15)
                try Data(section.utf8).write(to: URL(filePath: directory + "/config"))
                let (status, output) = try Self.run(["ssh", "-G", "-F", directory + "/config", host], in: directory)
                #expect(status == 0, "\(output)")
                let values = Self.values(output)
                #expect(values["hostkeyalias"] == invocation.machine.alias)
                let words = try Self.proxyWords(values["proxycommand"] ?? "", in: directory)
                #expect(
                    words == [
                        "/usr/bin/sally", "network", "bastion", "proxy", "--bastion-dns", "bastion.example:8443",
                        "--target-resource-id",
                        invocation.machine.path.description, "--resource-port", "22",
                    ]
                )
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory).sorted() == ["config", "output"])
        }
    }

    @Test("a hostile name on the command line is neither an option nor a word too many", arguments: hostileNames)
    func hostileArguments(name: String) throws {
        try Self.withScratch { directory in
            for (vm, group) in [(name, "Demo"), ("myVM", name)] {
                let invocation = try Self.invocation(name: vm, group: group)
                let words = try invocation.arguments(["uptime"])
                let destination = words[words.count - 2]
                #expect(!destination.hasPrefix("-") && SSHInvocation.isPlain(destination))
                let (status, output) = try Self.run(["ssh", "-G", "-F", "none"] + words, in: directory)
                #expect(status == 0, "\(output)")
                let values = Self.values(output)
                #expect(values["hostkeyalias"] == invocation.machine.alias && values["user"] == "alice@contoso.example")
                let proxy = try Self.proxyWords(values["proxycommand"] ?? "", in: directory)
                #expect(proxy.count == 10 && proxy.contains(invocation.machine.path.description))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["output"])
        }
    }

    @Test(
        "the hook that renews the certificate runs the program, wherever it lies",
        arguments: ["plain", "a b", "100%", "$HOME", "(x)", "a;b", "é"]
    )
    func hook(folder: String) throws {
        try Self.withScratch { directory in
            let place = directory + "/" + folder
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            let program = place + "/sally"
            try Data("#!/bin/sh\necho \"$@\" > '\(directory)/ran'\n".utf8).write(to: URL(filePath: program))
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: program)
            let section = try Self.invocation(program: program, directory: place).configuration(host: "h")
            try Data(section.utf8).write(to: URL(filePath: directory + "/config"))
            let (status, output) = try Self.run(["ssh", "-G", "-F", directory + "/config", "h"], in: directory)
            #expect(status == 0, "\(output)")
            #expect(
                (try? Data(contentsOf: URL(filePath: directory + "/ran"))).map { String(decoding: $0, as: UTF8.self) }
                    == "ssh renew\n"
            )
            let values = Self.values(output)
            #expect(values["identityfile"]?.replacing("%%", with: "%") == place + "/id_ed25519")
            #expect(try Self.proxyWords(values["proxycommand"] ?? "", in: directory).first == program)
        }
    }

    @Test(
        "a program whose name ssh's configuration cannot carry is found by its plain name",
        arguments: ["/it's/sally", "/a\"b/sally", "/a\\b/sally"]
    )
    func awkwardProgram(program: String) throws {
        let section = try Self.invocation(program: program).configuration(host: "h")
        #expect(section.contains("Match originalhost h exec \"sally ssh renew\"\n"))
    }

    @Test("a line end, or a quote in a file name, is refused: it would begin a line of its own (X63)")
    func refused() throws {
        let unsafe = Problem("UnsafeName", shown: "")
        for program in ["/a\nProxyCommand id", "/a\rb", "/a\u{0}"] {
            #expect(throws: unsafe) { try Self.invocation(program: program).configuration(host: "h") }
            #expect(throws: unsafe) { try Self.invocation(program: program).arguments([]) }
        }
        for directory in ["/a\nb", "/a\"b", "/a\\b", "/${HOME}"] {
            #expect(throws: unsafe) { try Self.invocation(directory: directory).configuration(host: "h") }
        }
        #expect(throws: unsafe) { try Self.invocation(name: "a\"b").configuration(host: "h") }
    }

    @Test(
        "a login name that ssh would refuse or misread gives way to the object id",
        arguments: [
            "-oProxyCommand=id", "a b", "a'b", "a\"b", "$(id)", "`id`", "a;b", "a|b", "a\nUser root", "a\tb", "", "a%u",
            "a\u{0}", "#a", "a=b",
            "a\u{202e}b",
        ]
    )
    func loginName(name: String) throws {
        let id = "0c1e5b0a-0000-4000-8000-000000000001"
        #expect(try Self.invocation(principals: [name, id]).credentials.loginName == id)
        #expect(
            try Self.invocation(principals: ["Alice@Contoso.example", id]).credentials.loginName
                == "Alice@Contoso.example"
        )
    }

    @Test("words for ssh come after the destination, untouched")
    func moreWords() throws {
        let words = try Self.invocation().arguments(["-L", "1:2:3", "echo 'a b'"])
        #expect(words.suffix(3) == ["-L", "1:2:3", "echo 'a b'"])
    }

    @Test(
        "a shell reads a quoted word back as it was",
        arguments: [
            "", "a", "a b", "it's", "''", "$HOME", "`id`", "$(id)", "\\", "\"", "*", "~", "-n", "!", "é日", "a\nb", "#",
            "&&", "a=b",
        ]
    )
    func quoted(word: String) throws {
        try Self.withScratch { directory in
            let (_, output) = try Self.run(
                ["/bin/sh", "-c", "printf '[%s]' \(SSHInvocation.quoted(word))"],
                in: directory
            )
            #expect(output == "[\(word)]")
        }
    }

    @Test(
        "the default name is made of group and machine",
        arguments: [("myVM", "Demo-myVM"), ("a b", "Demo-a-b"), ("é", "Demo--")]
    )
    func hostPattern(name: String, expected: String) throws {
        #expect(SSHInvocation.hostPattern(try Self.invocation(name: name).machine) == expected)
    }

    @Test("an earlier section of the same name goes, and nothing else")
    func replaced() throws {
        let section = try Self.invocation().configuration(host: "box")
        let other = try Self.invocation().configuration(host: "box2")
        let own = "# mine\nHost box\n    Port 22\n"
        #expect(SSHInvocation.removingSection(of: "box", from: section) == "")
        #expect(SSHInvocation.removingSection(of: "box", from: other + section) == other)
        #expect(SSHInvocation.removingSection(of: "box", from: own + "\n" + section + other) == own + "\n" + other)
        #expect(SSHInvocation.removingSection(of: "box", from: own) == own)
    }
}

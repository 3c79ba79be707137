import ArgumentParser
import Client
import Vocabulary

/// `sally why USER VM`: the reason for a yes or a no, before anybody tries.
struct Why: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Explain whether somebody may sign in to a machine, and because of what.",
        discussion: "Example: sally why alice@contoso.example myVM -g demo"
    )
    @Argument(help: "User name, application id or object id.")
    var user: String
    @Argument(help: "Name of the machine, or its resource id.")
    var machine: String
    @Option(name: [.customShort("g"), .customLong("resource-group")], help: "The machine's resource group.")
    var group: String?
    @Option(name: [.customShort("o"), .customLong("output")], help: "How to print the answer.")
    var format = Format.text

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
    }

    func run() async throws {
        let context = try await Context()
        let path: ResourcePath
        if self.machine.hasPrefix("/"), let given = ResourcePath(self.machine) {
            path = given
        } else if let group = self.group {
            path = try await context.finder().machine(name: self.machine, group: group).path
        } else {
            throw Problem("NoMachine", shown: "Give the machine's resource id, or its name and --resource-group.")
        }
        let principal = try await Graph(context).objectID(of: self.user)
        let answer = try await context.resources.send(
            "GET",
            MachineFinder.escaped(path)
                + "/providers/Sallyport.Access/effectiveAccess?principal=\(PercentEncoding.encode(principal))"
        )
        if self.format == .json {
            print(answer.text)
        } else {
            for line in Self.lines(answer) { print(PrintableText.of(line, limit: 2000)) }
        }
        if answer["signIn"]?["level"]?.string ?? "none" == "none" { throw ExitCode(2) }
    }

    // The verdict first, then the bastion's, then each right that was looked at with what gives or denies it.
    private static func lines(_ answer: JSONValue) -> [String] {
        var lines = [answer["signIn"]?["sentence"]?.string ?? "The server gave no answer."]
        if let connect = answer["connect"]?["sentence"]?.string { lines.append(connect) }
        for check in answer["checks"]?.array ?? [] {
            let mark = check["allowed"] == .bool(true) ? "yes" : "no "
            lines.append("  \(mark)  \(check["action"]?.string ?? "") on \(check["resource"]?.string ?? "")")
            if let sentence = check["sentence"]?.string { lines.append("       \(sentence)") }
        }
        return lines
    }
}

import ArgumentParser
import Client
import Vocabulary

/// The options that name one machine.
struct MachineOptions: ParsableArguments {
    @Option(name: [.customShort("n"), .customLong("name"), .customLong("vm-name")], help: "Name of the machine.")
    var name: String?
    @Option(name: [.customShort("g"), .customLong("resource-group")], help: "Its resource group.")
    var group: String?
    @Option(name: .customLong("target-resource-id"), help: "The machine's resource id, instead of name and group.")
    var resourceID: String?

    /// Finds the machine.
    func find(_ context: Context) async throws -> Machine {
        if let resourceID = self.resourceID {
            guard let path = ResourcePath(resourceID), path.subscription != nil else {
                throw Problem("InvalidResourceId", shown: "'\(PrintableText.of(resourceID))' is not a resource id.")
            }
            return try await context.finder().machine(path)
        }
        guard let name = self.name, let group = self.group else {
            throw Problem(
                "NoMachine",
                shown: "Which machine? Give --name and --resource-group, or --target-resource-id."
            )
        }
        return try await context.finder().machine(name: name, group: group)
    }
}

/// `sally vm`.
struct MachineCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vm",
        abstract: "The machines that you may see.",
        subcommands: [List.self, Show.self]
    )

    private static let columns: [(title: String, path: [String])] = [
        ("Name", ["name"]), ("ResourceGroup", ["resourceGroup"]), ("Location", ["location"]),
        ("OsType", ["properties", "storageProfile", "osDisk", "osType"]),
    ]

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List machines.")
        @Option(name: [.customShort("g"), .customLong("resource-group")], help: "Only of this group.")
        var group: String?
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let context = try await Context()
            let scope =
                "/subscriptions/\(try context.subscription())"
                + (self.group.map { "/resourceGroups/" + PercentEncoding.encode($0) } ?? "")
            let machines = try await context.resources.list(scope + "/providers/Microsoft.Compute/virtualMachines")
            Output.show(
                .array(machines.map(MachineCommands.withGroup)),
                as: self.output,
                columns: MachineCommands.columns
            )
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one machine.")
        @OptionGroup var machine: MachineOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let context = try await Context()
            let path = try await self.machine.find(context).path
            let json = try await context.resources.send("GET", MachineFinder.escaped(path) + "?$expand=instanceView")
            Output.show(MachineCommands.withGroup(json), as: self.output, columns: MachineCommands.columns)
        }
    }

    // `az` shows the group as a member of its own, taken from the id.
    private static func withGroup(_ json: JSONValue) -> JSONValue {
        var json = json
        json["resourceGroup"] = (json["id"]?.string).flatMap { ResourcePath($0)?.resourceGroup }.map { .string($0) }
        return json
    }
}

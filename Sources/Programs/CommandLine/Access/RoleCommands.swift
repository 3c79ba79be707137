import ArgumentParser
import Client
import Vocabulary

/// `sally role`.
struct RoleCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "role",
        abstract: "Who may do what.",
        subcommands: [AssignmentCommands.self]
    )
}

/// `sally role assignment`.
struct AssignmentCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assignment",
        abstract: "Role assignments.",
        subcommands: [Create.self, List.self, Delete.self]
    )

    static let columns: [(title: String, path: [String])] = [
        ("Name", ["name"]), ("Principal", ["properties", "principalId"]), ("Role", ["roleDefinitionName"]),
        ("Scope", ["properties", "scope"]),
    ]

    struct Options: ParsableArguments {
        @Option(help: "Name or id of the role.")
        var role: String?
        @Option(help: "User name, application id or object id.")
        var assignee: String?
        @Option(help: "Object id; needs no look-up in the directory.")
        var assigneeObjectId: String?
        @Option(help: "Resource path, for example /subscriptions/…/resourceGroups/demo.")
        var scope: String?
        @Option(name: [.customShort("g"), .customLong("resource-group")], help: "Resource group, instead of a scope.")
        var group: String?

        func scope(_ context: Context) throws -> ResourcePath {
            let text =
                try self.scope ?? "/subscriptions/\(context.subscription())"
                + (self.group.map { "/resourceGroups/\($0)" } ?? "")
            guard let path = ResourcePath(text) else {
                throw Problem("InvalidScope", shown: "'\(PrintableText.of(text))' is not a scope.")
            }
            return path
        }

        func principal(_ context: Context) async throws -> String? {
            if let id = self.assigneeObjectId { return id }
            guard let name = self.assignee else { return nil }
            return try await Graph(context).objectID(of: name)
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give a role.")
        @OptionGroup var options: Options
        @Option(help: "User, Group or ServicePrincipal, with --assignee-object-id.")
        var assigneePrincipalType: String?
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let context = try await Context()
            let scope = try self.options.scope(context)
            guard let role = self.options.role, let principal = try await self.options.principal(context) else {
                throw Problem("Missing", shown: "Give --role and --assignee (or --assignee-object-id).")
            }
            let roles = RoleNames(context)
            var properties: JSONValue = [
                "roleDefinitionId": .string(try await roles.definition(named: role, at: scope)),
                "principalId": .string(principal),
            ]
            if let type = self.assigneePrincipalType { properties["principalType"] = .string(type) }
            let answer = try await context.resources.send(
                "PUT",
                MachineFinder.escaped(scope)
                    + "/providers/Microsoft.Authorization/roleAssignments/\(GUID(from: .system))",
                body: ["properties": properties]
            )
            Output.show(
                try await roles.named([answer], at: scope)[0],
                as: self.output,
                columns: AssignmentCommands.columns
            )
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List who has which role, at the scope and above.")
        @OptionGroup var options: Options
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let context = try await Context()
            let rows = try await AssignmentCommands.find(self.options, context)
            let named = try await RoleNames(context).named(rows, at: try self.options.scope(context))
            Output.show(.array(named), as: self.output, columns: AssignmentCommands.columns)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a role away.")
        @OptionGroup var options: Options

        func run() async throws {
            let context = try await Context()
            guard self.options.role != nil || self.options.assignee != nil || self.options.assigneeObjectId != nil
            else {
                throw Problem(
                    "Missing",
                    shown:
                        "Say which: --assignee, --role or both. All assignments of a scope are never removed at once."
                )
            }
            let scope = try self.options.scope(context)
            let rows = try await AssignmentCommands.find(self.options, context)
                .filter { $0["properties"]?["scope"]?.string.flatMap { ResourcePath($0) } == scope }
            guard !rows.isEmpty else {
                throw Problem("NotFound", shown: "No such assignment at exactly this scope.")
            }
            for row in rows {
                guard let path = row["id"]?.string.flatMap({ ResourcePath($0) }) else { continue }
                try await context.resources.send("DELETE", MachineFinder.escaped(path))
            }
        }
    }

    private static func find(_ options: Options, _ context: Context) async throws -> [JSONValue] {
        let scope = try options.scope(context)
        var rows = try await context.resources.list(
            MachineFinder.escaped(scope) + "/providers/Microsoft.Authorization/roleAssignments?$filter=atScope()"
        )
        if let principal = try await options.principal(context) {
            rows = rows.filter { $0["properties"]?["principalId"]?.string?.lowercased() == principal.lowercased() }
        }
        if let role = options.role {
            // One definition has an id below every scope it is seen from: only the last part is its own.
            let definition = Self.name(try await RoleNames(context).definition(named: role, at: scope))
            rows = rows.filter { Self.name($0["properties"]?["roleDefinitionId"]?.string ?? "") == definition }
        }
        return rows
    }

    private static func name(_ id: String) -> String {
        id.split(separator: "/").last.map { $0.lowercased() } ?? ""
    }
}

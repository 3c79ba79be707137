import AccessControl
import Audit
public import Vocabulary

/// A script that somebody has run on a machine through its agent.
///
/// Source: Azure virtual machines REST, "Run Command"; Azure Run Command for Linux.
struct RunCommand: Sendable {
    private static let longestScript = 256 * 1024
    private static let mostParameters = 100

    let script: String
    let parameters: [(name: String, value: String)]

    /// Reads the body of a request.
    init(_ body: JSONValue) throws(Problem) {
        try Self.checkCommand(body.member("commandId")?.string)
        let lines = (body.member("script")?.array ?? []).compactMap(\.string)
        try self.init(lines.joined(separator: "\n"), [body.member("parameters")], at: "script")
    }

    /// Reads a script with the lists of its parameters.
    init(_ script: String, _ lists: [JSONValue?], at place: String) throws(Problem) {
        guard !script.isEmpty, script.utf8.count <= Self.longestScript, !script.utf8.contains(0) else {
            throw .invalidContent(place, "needs 1 to \(Self.longestScript) bytes of shell script, without zero bytes")
        }
        let sent = lists.flatMap { $0?.array ?? [] }
        let parameters = sent.map {
            (name: $0.member("name")?.string ?? "", value: $0.member("value")?.string ?? "")
        }
        guard parameters.count <= Self.mostParameters, !parameters.contains(where: { $0.value.utf8.contains(0) }) else {
            throw .invalidContent(
                "parameters",
                "has more than \(Self.mostParameters) elements, or one with a zero byte"
            )
        }
        self.script = script + "\n"
        self.parameters = parameters
    }

    /// Throws unless this is the one command that is offered.
    static func checkCommand(_ id: String?) throws(Problem) {
        guard RunCommandCatalogue.shell.lowercased() == id?.lowercased() else {
            throw Problem(
                "InvalidParameter",
                shown: "There is no command '\(PrintableText.of(id ?? "", limit: 64))'. Offered is "
                    + "\(RunCommandCatalogue.shell): it runs the lines in 'script'."
            )
        }
    }

    /// What the audit says of it: which script it was can be proved, and not read there.
    var traces: [String: String] {
        [
            "command": RunCommandCatalogue.shell, "bytes": "\(self.script.utf8.count)",
            "sha256": Fingerprint.of(self.script),
        ]
    }
}

/// The commands that can be run on machines, for those who ask what there is.
public enum RunCommandCatalogue {
    /// The one that runs a script of one's own.
    public static let shell = "RunShellScript"

    /// What it is.
    public static let document: JSONValue = [
        "$schema": "https://schema.management.azure.com/schemas/2016-11-17/runcommands.json", "id": .string(shell),
        "osType": "Linux", "label": "Executes a Linux shell script",
        "description": "Custom multiple line shell script should be defined in script property",
    ]
}

extension KindAction {
    /// Runs a script on a machine, as root; the answer is what it wrote.
    static let runCommand = KindAction { resources, machine, call throws(Problem) in
        let command = try RunCommand(call.body)
        try machine.checkRunsScripts()
        try resources.operations.checkRoom()
        // Before it runs: what cannot be written down is not done.
        try await resources.note(
            "machine.runCommand",
            on: machine,
            command.traces,
            by: call.author
        )
        let product = OperationProduct()
        return .started(
            resources.begin(.action, on: machine, by: call.author, product: product) {
                let task = MachineTask.script(command.script, parameters: command.parameters)
                switch await resources.hooks.perform(task, machine.path) {
                case .refused(let refusal): return Problem(refusal.code, shown: refusal.sentence)
                case .allowed(let result):
                    product.document = result.runCommandDocument
                    // The script has run: that its end could not be written down changes nothing for who asked.
                    try? await resources.note(
                        "machine.runCommandEnd",
                        on: machine,
                        ["command": RunCommandCatalogue.shell, "exitCode": "\(result.exitCode)"],
                        by: call.author
                    )
                    return nil
                }
            }
        )
    }
}

extension Resource {
    /// Throws unless scripts can be run on this machine.
    func checkRunsScripts() throws(Problem) {
        guard self.osType == "Linux" else {
            throw Problem(
                "OperationNotAllowed",
                shown: "'\(self.name)' runs \(self.osType); scripts run on Linux."
            )
        }
        if let refusal = self.powerRefusal { throw Problem("OperationNotAllowed", shown: refusal.sentence) }
    }
}

extension Resources {
    /// Writes a line about a machine into the audit.
    func note(
        _ action: String,
        on machine: Resource,
        _ details: [String: String],
        by author: ChangeAuthor
    ) async throws(Problem) {
        let line = Plan.AuditLine(action: action, target: machine.path, details: details)
        do {
            try await self.audit.record(author.event(line, at: self.clock.now))
        } catch {
            throw Problem("InternalServerError", shown: "The audit could not be written.", logged: "\(error)")
        }
    }
}

extension MachineTaskResult {
    /// In the words of the service that clients know.
    fileprivate var runCommandDocument: JSONValue {
        let isGood = self.exitCode == 0
        let head =
            isGood
            ? "Enable succeeded: "
            : "Enable failed: failed to execute command: command terminated with exit status=\(self.exitCode)"
        return [
            "value": [
                [
                    "code": .string(
                        isGood ? "ProvisioningState/succeeded" : "ProvisioningState/failed/\(self.exitCode)"
                    ),
                    "level": .string(isGood ? "Info" : "Error"),
                    "displayStatus": .string("Provisioning \(isGood ? "succeeded" : "failed")"),
                    "message": .string("\(head)\n[stdout]\n\(self.output)\n[stderr]\n\(self.errors)"),
                ]
            ]
        ]
    }
}

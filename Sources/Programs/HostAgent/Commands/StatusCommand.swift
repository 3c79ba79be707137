import AgentWire
import ArgumentParser
import FoundationEssentials
import Vocabulary

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows what the agent is doing and who is in.",
        discussion:
            "Exit status: 0 when people can sign in, 3 while there is no connection to the server or signing in is not on."
    )

    @OptionGroup var common: CommonOptions
    @Flag(help: "Print the report as JSON.")
    var json = false

    func run() throws {
        let report: AgentReport
        do throws(HostAgentError) {
            report = try self.show()
        } catch {
            throw CommandFailure(error)
        }
        guard report.isConnected, report.status.loginState == .enabled else { throw ExitCode(3) }
    }

    private func show() throws(HostAgentError) -> AgentReport {
        _ = try AgentConfiguration.load(self.common.layout)
        let text: String
        switch try AgentQuestion.ask(.status, self.common.layout) {
        case .report(let report): text = report
        case .refused(let sentence): throw .configuration(sentence)
        default: throw .configuration("the agent gives no report")
        }
        guard let report = try? JSONDecoder().decode(AgentReport.self, from: Data(text.utf8)) else {
            throw .configuration("the agent's report makes no sense")
        }
        if self.json {
            print(text)
        } else {
            for line in Self.lines(of: report) { print(line) }
        }
        return report
    }

    /// The report as a person reads it.
    static func lines(of report: AgentReport) -> [String] {
        var lines = [
            "Machine      \(report.resourceId)",
            "Server       \(report.server) (\(report.isConnected ? "connected" : "not connected"))",
            "Last contact \(report.lastContact.map { $0.sentence } ?? "never")",
            "Signing in   \(report.status.loginState.rawValue)",
        ]
        if !report.status.message.isEmpty {
            lines.append("             \(report.status.message) (exit code \(report.status.exitCode))")
        }
        lines.append("May sign in  \(report.people) people")
        lines.append("Sessions     \(report.status.sessions.count)")
        for session in report.status.sessions {
            lines.append(
                "  \(session.session)  \(session.objectId)  from \(session.source)  since \(session.openedAt.sentence)"
            )
        }
        return lines
    }
}

import ArgumentParser
import Client
import NIOPosix
import Vocabulary

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Checks everything that signing in needs on this machine, and says what to do about what is wrong."
    )

    @OptionGroup var common: CommonOptions

    func run() async throws {
        var findings: [HostCheck.Finding]
        do throws(HostAgentError) {
            let configuration = try AgentConfiguration.load(self.common.layout)
            findings = HostCheck(layout: self.common.layout, configuration: configuration).findings()
            findings.append(await self.server(configuration))
        } catch {
            throw CommandFailure(error)
        }
        for finding in findings {
            print("\(finding.isGood ? "ok  " : "FAIL") \(finding.what)")
            if !finding.isGood { print("       \(finding.remedy)") }
        }
        if findings.contains(where: { !$0.isGood }) { throw ExitCode(1) }
    }

    private func server(_ configuration: AgentConfiguration) async -> HostCheck.Finding {
        let group = MultiThreadedEventLoopGroup.singleton
        do {
            let dialer = try HostServer.dialer(configuration, group: group)
            let connection = try await HTTPConnection.open(dialer, deadline: .seconds(5))
            await connection.close()
            return HostCheck.Finding(
                what: "the server \(configuration.server) can be reached",
                isGood: true,
                remedy: ""
            )
        } catch {
            return HostCheck.Finding(
                what: "the server \(configuration.server) can be reached",
                isGood: false,
                remedy:
                    "\(error). Check the network, the name, and \(configuration.caFile ?? "the system's certificates")."
            )
        }
    }
}

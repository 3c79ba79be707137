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
            findings += await self.server(configuration)
        } catch {
            throw CommandFailure(error)
        }
        for finding in findings {
            print("\(finding.isGood ? "ok  " : "FAIL") \(finding.what)")
            if !finding.isGood { print("       \(finding.remedy)") }
        }
        if findings.contains(where: { !$0.isGood }) { throw ExitCode(1) }
    }

    // The server refuses proofs that are a minute off, and certificates that are not valid yet are sshd's to refuse.
    private func server(_ configuration: AgentConfiguration) async -> [HostCheck.Finding] {
        let reached = "the server \(configuration.server) can be reached"
        do {
            let dialler = try HostServer.dialler(configuration, group: MultiThreadedEventLoopGroup.singleton)
            let question = HTTPRequest("GET", "/healthz")
            let answer = try await HTTPConnection.send(question, by: dialler, deadline: .seconds(5))
            let findings = [HostCheck.Finding(what: reached, isGood: true, remedy: "")]
            guard let date = answer.header("Date").flatMap(HostCheck.instant) else { return findings }
            return findings + [HostCheck.clock(TimeSource.system.now, server: date.seconds)]
        } catch {
            return [
                HostCheck.Finding(
                    what: reached,
                    isGood: false,
                    remedy:
                        "\(error). Check the network, the name, and \(configuration.caFile ?? "the system's certificates")."
                )
            ]
        }
    }
}

import ArgumentParser
import HostAgent

/// The program `sally-agent`.
@main
struct SallyAgent {
    static func main() async {
        await AgentCommand.main()
    }
}

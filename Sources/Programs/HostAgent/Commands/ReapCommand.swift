import ArgumentParser

/// Kills everything that runs under a person's number. The agent starts it as a process of its own, because it gives up being root for it.
struct ReapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reap",
        abstract: "Kills everything that runs under a user number.",
        shouldDisplay: false
    )

    @Argument(help: "The user number of a person of the directory.")
    var number: UInt32

    func run() throws {
        do throws(HostAgentError) {
            try Reaper.becomeAndKill(self.number)
        } catch {
            throw CommandFailure(error)
        }
    }
}

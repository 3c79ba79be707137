import AgentWire
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Kills everything that runs under a person's number, by one call of the kernel.
///
/// A walk through the process table can't do that: a process that forks and exits all the time is never where the walk looks. The kernel's
/// `kill(-1)` signals everything that the caller may signal while nothing can fork. Source: kill(2).
enum Reaper {
    /// Runs ourselves as `reap NUMBER` and waits.
    static func run(_ number: UInt32) async throws(HostAgentError) {
        let outcome: Result<HostProgram.Outcome, HostAgentError>
        do {
            outcome = try await NIOThreadPool.singleton.runIfActive {
                Result { () throws(HostAgentError) in
                    // The link leads to the program that runs, even when its file has been replaced.
                    try HostProgram.run(["/proc/self/exe", "reap", "\(number)"], seconds: 5)
                }
            }
        } catch {
            throw .program(name: "reap", said: "\(error)")
        }
        let result = try outcome.get()
        guard result.status == 0 else { throw .program(name: "reap", said: result.sentence) }
    }

    /// Gives up being root for a person's number and kills whatever that number may signal, except this process.
    ///
    /// Only the effective number is the person's. The other two belong to nobody: who has them as their own could signal us, and the person, to whom
    /// they don't belong, can't kill us first. Source: kill(2), on whom a sender may signal.
    static func becomeAndKill(_ number: UInt32) throws(HostAgentError) {
        guard AccountNumbers.people.contains(number) else {
            throw .configuration("\(number) is no number of a person of the directory")
        }
        let nobody = AccountNumbers.administrators
        guard setgroups(0, nil) == 0, setgid(nobody) == 0, setUserNumbers(nobody, number, nobody) == 0 else {
            throw .system(call: "setresuid", path: "\(number)", code: errno)
        }
        guard getuid() == nobody, geteuid() == number, kill(1, 0) != 0 else {
            throw .configuration("the privilege to signal everybody was not given up")
        }
        // That there is nobody to signal is what was wanted.
        guard kill(-1, SIGKILL) == 0 || errno == ESRCH else {
            throw .system(call: "kill", path: "\(number)", code: errno)
        }
    }
}

// Neither C library shows this one to Swift, because it is in no standard; there is no other way to set the saved number apart. Source: setresuid(2).
@_silgen_name("setresuid")
private func setUserNumbers(_ real: uid_t, _ effective: uid_t, _ saved: uid_t) -> Int32

import ArgumentParser
import FoundationEssentials
import Logging
import NamespaceFabric
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// `sallyport fabric`: the one part that runs as root.
struct FabricCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fabric",
        abstract: "Run the service that makes machines and networks out of namespaces, as root.",
        discussion: """
            The server of the same data directory asks it over a socket there and needs no privilege itself. Machines go on while this service or the \
            server is started again; after a restart of the box they are started anew.
            """
    )
    @Option(help: ArgumentHelp(Setting.data.help)) var data: String?
    @Option(help: "Where root file systems are kept (default: ~/.cache/sallyport/roots).") var imageCache: String?
    @Option(help: "Where Debian comes from (default: http://deb.debian.org/debian).") var debianMirror: String?
    @Option(help: "The Debian release that stands in for images that are not offered.")
    var substitute = "bookworm"
    @Option(help: "Folder with sally-agent and its modules (default: /usr/lib/sallyport, or beside this program).")
    var hostPrograms: String?
    @Option(help: "Folder for machines' disks, not on an overlay (default: beside --state).") var disks: String?
    @Option(
        help:
            "Folder of root's own for what is there (default: the data directory if that is root's, or in /var/lib/sallyport-fabric)."
    )
    var state: String?
    @Option(help: "The server's port on this box (default: 8443).") var serverPort = 8443
    @Option(help: "Make the root file system of this Debian release ready, and end; a warm cache is left as it is.")
    var fetch: String?
    @Flag(help: "Remove every machine and network of the data directory, with their disks, and end.") var clean = false

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        var program = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &program, program.count - 1)
        guard count > 0 else { throw Problem("NoProgram", shown: "This program cannot find itself in /proc.") }
        let cache = environment["SALLYPORT_CACHE"] ?? (environment["HOME"] ?? "/root") + "/.cache/sallyport"
        let settings = FabricServiceSettings(
            data: self.data ?? "/var/lib/sallyport",
            imageCache: self.imageCache ?? cache + "/roots",
            debianMirror: self.debianMirror ?? environment["SALLYPORT_DEBIAN_MIRROR"] ?? "http://deb.debian.org/debian",
            substitute: self.substitute,
            hostPrograms: self.hostPrograms ?? environment["SALLYPORT_HOST_PROGRAMS"],
            serverPort: self.serverPort,
            state: self.state,
            disks: self.disks,
            program: String(decoding: program[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self),
            environment: ["http_proxy", "https_proxy", "no_proxy"].compactMap { name in
                environment[name].map { "\(name)=\($0)" }
            }
        )
        if let release = self.fetch { return try settings.fetch(release) }
        try JSONLogHandler.start(level: "info", file: nil)
        let service = try FabricService(settings, logger: Logger(label: "sallyport.fabric"))
        if self.clean { try service.clean() } else { try service.run() }
    }
}

/// `sallyport machine`: what a machine's process 1 is for its first steps. Not for people.
struct MachineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "machine",
        abstract: "Become process 1 of a machine.",
        shouldDisplay: false
    )
    @Option var layers: String
    @Option var disk: String
    @Option var root: String

    func run() throws {
        try Inside(layers: self.layers, disk: self.disk, root: self.root).become()
    }
}

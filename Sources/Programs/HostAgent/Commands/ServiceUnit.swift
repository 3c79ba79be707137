/// The systemd unit that keeps the agent running.
enum ServiceUnit {
    /// Whether systemd runs this machine.
    static var isUsable: Bool { HostFile.exists("/run/systemd/system") && Self.systemctl != nil }

    private static var systemctl: String? { HostProgram.find(["/usr/bin/systemctl", "/bin/systemctl"]) }

    /// Writes the unit and starts it.
    static func install(_ layout: HostLayout) throws(HostAgentError) {
        let program = HostFile.link("/proc/self/exe") ?? "/usr/sbin/sally-agent"
        // KillMode=process: people's sessions are not the agent's children, but helpers that it runs are none of systemd's business either.
        let text = """
            # Managed by sally-agent. Removed by: sally-agent leave
            [Unit]
            Description=Sallyport host agent
            Documentation=man:sally-agent(8)
            After=network-online.target
            Wants=network-online.target
            Before=ssh.service sshd.service

            [Service]
            ExecStart=\(program) run
            Restart=always
            RestartSec=2
            KillMode=process
            RuntimeDirectory=sallyport
            RuntimeDirectoryMode=0755
            UMask=0077
            LimitNOFILE=65536

            [Install]
            WantedBy=multi-user.target

            """
        try HostFile.replace(layout.unitFile, with: Array(text.utf8), .root(0o644))
        try Self.run(["daemon-reload"])
        try Self.run(["enable", "sally-agent.service"])
        // One that runs already knows nothing of a new joining, or of the new file.
        try Self.run(["restart", "sally-agent.service"])
    }

    /// Stops the unit and removes it, if it is there.
    static func remove(_ layout: HostLayout) throws(HostAgentError) {
        guard HostFile.exists(layout.unitFile) else { return }
        if Self.isUsable { try? Self.run(["disable", "--now", "sally-agent.service"]) }
        try HostFile.remove(layout.unitFile)
        if Self.isUsable { try? Self.run(["daemon-reload"]) }
    }

    private static func run(_ arguments: [String]) throws(HostAgentError) {
        guard let systemctl else { throw .missing("systemctl") }
        let outcome = try HostProgram.run([systemctl] + arguments)
        guard outcome.status == 0 else {
            throw .program(name: "systemctl \(arguments[0])", said: outcome.sentence)
        }
    }
}

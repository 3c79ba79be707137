import ArgumentParser
import Client
import NIOCore
import NIOPosix
import Vocabulary

/// `sally network bastion`.
struct NetworkCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "Bastion hosts and tunnels.",
        subcommands: [BastionCommands.self]
    )
}

/// Ports as people write them.
enum PortNumber {
    static func check(_ port: Int, _ name: String) throws {
        guard (1...65_535).contains(port) else { throw ValidationError("\(name) is a number from 1 to 65535.") }
    }
}

/// `sally network bastion …`.
struct BastionCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bastion",
        abstract: "Reach machines through a bastion host.",
        subcommands: [Shell.self, Desktop.self, Tunnel.self, Proxy.self]
    )

    /// The options that `az` has for all of them.
    struct Options: ParsableArguments {
        @Option(name: [.customShort("n"), .customLong("name")], help: "Name of the bastion host.")
        var name: String
        @Option(name: [.customShort("g"), .customLong("resource-group")], help: "Its resource group.")
        var group: String
        @Option(help: "The machine's resource id.")
        var targetResourceId: String?
        @Option(help: "The machine's private address, instead of its resource id.")
        var targetIpAddress: String?

        func bastion(_ context: Context) async throws -> Bastion {
            guard !self.name.contains("/"), !self.group.contains("/"),
                let path = ResourcePath(
                    "/subscriptions/\(try context.subscription())/resourceGroups/\(self.group)/providers/Microsoft.Network/bastionHosts/\(self.name)"
                ), let bastion = Bastion(try await context.resources.send("GET", MachineFinder.escaped(path)))
            else {
                throw Problem(
                    "BastionNotFound",
                    shown: "There is no bastion host '\(PrintableText.of(self.name))' that you may see."
                )
            }
            return bastion
        }

        func target(_ context: Context) throws -> (resource: String, hostName: String?) {
            switch (self.targetResourceId, self.targetIpAddress) {
            case (let id?, nil): return (id, nil)
            case (nil, let address?):
                guard (try? SocketAddress(ipAddress: address, port: 22)) != nil else {
                    throw Problem(
                        "InvalidAddress",
                        shown:
                            "'\(PrintableText.of(address))' is not an IP address: four numbers from 0 to 255, for example 10.1.2.3."
                    )
                }
                let scope = "/subscriptions/\(try context.subscription())/resourceGroups/\(self.group)"
                return (scope + "/providers/Microsoft.Network/bh-hostConnect/\(address)", address)
            default: throw Problem("NoTarget", shown: "Give either --target-resource-id or --target-ip-address.")
            }
        }
    }

    struct Shell: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ssh", abstract: "SSH to a machine.")
        @OptionGroup var options: Options
        @Option(help: "AAD: by your identity.")
        var authType = "AAD"
        @Option(help: "SSH port of the machine.")
        var resourcePort = 22
        @Argument(parsing: .postTerminator, help: "Words for ssh.")
        var arguments: [String] = []

        func validate() throws {
            try PortNumber.check(self.resourcePort, "--resource-port")
        }

        func run() async throws {
            guard self.authType.uppercased() == "AAD" else {
                throw Problem(
                    "AuthType",
                    shown:
                        "Only --auth-type AAD needs this command; for keys and passwords use 'sally network bastion tunnel' and ssh."
                )
            }
            let context = try await Context()
            let bastion = try await self.options.bastion(context)
            guard let id = self.options.targetResourceId, let path = ResourcePath(id) else {
                throw Problem(
                    "NoTarget",
                    shown: "Sign-in by identity needs --target-resource-id: an address alone names no machine."
                )
            }
            let invocation = SSHInvocation(
                program: ChildProcess.own,
                credentials: try await SSHCredentials.current(context),
                machine: try await context.finder().machine(path),
                bastion: bastion,
                port: self.resourcePort
            )
            try ChildProcess.become("ssh", try invocation.arguments(self.arguments))
        }
    }

    struct Tunnel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open a local port that leads to a port of a machine."
        )
        @OptionGroup var options: Options
        @Option(help: "Port of the machine.")
        var resourcePort: Int
        @Option(help: "Local port; 0 for any that is free.")
        var port: Int
        @Option(help: "End after that many seconds.")
        var timeout: Int?

        func validate() throws {
            try PortNumber.check(self.resourcePort, "--resource-port")
            guard (0...65_535).contains(self.port) else { throw ValidationError("--port is a number from 0 to 65535.") }
            guard (1...31_536_000).contains(self.timeout ?? 1) else {
                throw ValidationError("--timeout is a number of seconds, at least 1.")
            }
        }

        func run() async throws {
            let context = try await Context()
            let bastion = try await self.options.bastion(context)
            let target = try self.options.target(context)
            let pump = TunnelPump(
                client: try TunnelClient(dnsName: bastion.dnsName, authorityFile: context.account.authorityFile),
                target: target.resource,
                hostName: target.hostName,
                port: self.resourcePort,
                signedIn: context.signedIn
            )
            try await pump.listen(on: self.port, timeout: self.timeout.map { .seconds($0) })
        }
    }

    struct Proxy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Connect standard input and output to a port of a machine: what ssh runs as ProxyCommand.",
            shouldDisplay: false
        )
        @Option(help: "Where the bastion's data plane answers.")
        var bastionDns: String
        @Option(help: "The machine's resource id.")
        var targetResourceId: String
        @Option(help: "Port of the machine.")
        var resourcePort = 22

        func run() async throws {
            let context = try await Context()
            let pump = TunnelPump(
                client: try TunnelClient(dnsName: self.bastionDns, authorityFile: context.account.authorityFile),
                target: self.targetResourceId,
                hostName: nil,
                port: self.resourcePort,
                signedIn: context.signedIn
            )
            try await pump.standardStreams()
        }
    }
}

import AgentWire
import Client
import FoundationEssentials
import Logging
import NIOCore
import NIOPosix
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The agent as it runs: constructs every part in the order a question meets them, and carries what the server says to them.
struct Agent: Sendable {
    /// The version that reports carry.
    static let version = "0.1.0"
    /// How long the server may take to say whether a person may enter; the PAM module waits a little longer.
    private static let decisionDeadline: Duration = .seconds(4)
    /// How long the server may take to say who somebody is; the name service module waits two seconds.
    private static let lookupDeadline: Duration = .milliseconds(1500)

    private let configuration: AgentConfiguration
    private let layout: HostLayout
    private let log: Logger
    private let group: any EventLoopGroup
    private let time: TimeSource = .system
    private let accounts: AccountTable
    private let setup: HostSetup
    private let policy: OfflinePolicy
    private let control: ControlChannel
    private let doorkeeper: Doorkeeper
    private let login: LoginSetup
    private let server: HostServer
    private let told: ToldConfiguration
    private let processes: ProcessTable

    init(layout: HostLayout, log: Logger) throws(HostAgentError) {
        let configuration = try AgentConfiguration.load(layout)
        let knowledge = Knowledge.load(layout)
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try HostServer(configuration, identity: try MachineIdentity.load(layout), group: group)
        let control = ControlChannel(server: server, path: configuration.controlPath, group: group, log: log)
        let accounts = Self.accounts(configuration, layout, knowledge)
        let processes = ProcessTable(directory: layout.processDirectory)
        let found = SessionProcesses(table: processes, own: getpid()) {
            (try? SSHDControl.find(configuration, layout))?.listener()
        }
        let policy = OfflinePolicy(
            lastContact: knowledge.lastContact,
            longest: .seconds(knowledge.configuration?.decisionCacheSeconds ?? 600)
        )
        self.configuration = configuration
        self.layout = layout
        self.log = log
        self.group = group
        self.accounts = accounts
        self.policy = policy
        self.control = control
        self.server = server
        self.told = ToldConfiguration(knowledge.configuration)
        self.processes = processes
        self.setup = HostSetup(layout: layout, configuration: configuration) {
            accounts.read { book in
                book.people.values.filter { $0.mayEnter && $0.account.administrator }.map { Int64($0.account.uid) }
            }
        }
        self.login = LoginSetup(self.setup, log: log)
        self.doorkeeper = Doorkeeper(
            accounts: accounts,
            link: Self.link(control),
            policy: policy,
            processes: found,
            homes: HomeDirectory(skeleton: configuration.skeleton ?? layout.path("/etc/skel")),
            ending: .onHost(found),
            layout: layout,
            log: log
        )
    }

    /// Works until it is told to stop by SIGTERM or SIGINT.
    func run() async throws(HostAgentError) {
        try self.accounts.saveSnapshot()
        let link = Self.link(self.control)
        let desk = LocalDesk(
            accounts: self.accounts,
            names: NameDirectory(accounts: self.accounts, link: link, time: self.time),
            doorkeeper: self.doorkeeper,
            processes: self.processes,
            report: { await self.report() }
        )
        let local = try await LocalServer.start(desk, layout: self.layout, group: self.group)
        let metadata = await MetadataServer.start(
            self.configuration.metadata ?? "auto",
            MetadataService(
                tenant: self.configuration.tenantId,
                told: self.told,
                tokens: MachineTokens(server: self.server, time: self.time)
            ),
            isConnected: self.configuration.isOutsideTheCloud,
            layout: self.layout,
            group: self.group,
            log: self.log
        )
        self.log.notice("agent runs", metadata: ["host": "\(self.configuration.resourceId)"])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.converse() }
            group.addTask { await self.lookAfterSessions() }
            group.addTask { await self.reportRegularly() }
            await StopSignal.wait()
            group.cancelAll()
        }
        await metadata?.stop()
        await local.stop()
        self.remember()
        self.log.notice("agent stops")
    }

    // MARK: - The server's word

    /// Talks with the server. Configuration and endings go ways of their own: carrying out the one takes seconds, and neither an ending nor an answer
    /// that somebody waits for must wait for it.
    private func converse() async {
        let (configurations, forSetup) = AsyncStream.makeStream(
            of: HostConfiguration.self,
            bufferingPolicy: .bufferingNewest(1)
        )
        let (orders, forEnding) = AsyncStream.makeStream(of: Ending.self, bufferingPolicy: .bufferingOldest(1024))
        if let known = self.told.value { forSetup.yield(known) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await configuration in configurations {
                    await self.carryOut(configuration)
                }
            }
            group.addTask {
                await withDiscardingTaskGroup { endings in
                    for await order in orders {
                        endings.addTask { await self.carryOut(order) }
                    }
                }
            }
            group.addTask {
                await self.control.run(connected: { await self.sendStatus() }) { message in
                    self.receive(message, forSetup, forEnding)
                }
                forSetup.finish()
                forEnding.finish()
            }
        }
    }

    /// Sessions to end.
    private enum Ending: Sendable {
        case order(EndOrder)
        case loss(AccountBook.Loss)
    }

    private func receive(
        _ message: ServerMessage,
        _ forSetup: AsyncStream<HostConfiguration>.Continuation,
        _ forEnding: AsyncStream<Ending>.Continuation
    ) {
        self.policy.heard(at: self.time.now)
        switch message {
        case .configuration(let configuration):
            self.told.value = configuration
            self.policy.hold(for: .seconds(configuration.decisionCacheSeconds))
            forSetup.yield(configuration)
        case .accounts(let list):
            let loss = self.replaceAccounts(list)
            if !loss.isEmpty { forEnding.yield(.loss(loss)) }
        case .end(let order): forEnding.yield(.order(order))
        case .reply, .failure, .unknown: break
        }
    }

    private func carryOut(_ ending: Ending) async {
        switch ending {
        case .order(let order): _ = await self.doorkeeper.end(order)
        case .loss(let loss): await self.doorkeeper.end(after: loss)
        }
    }

    private func carryOut(_ configuration: HostConfiguration) async {
        if !configuration.loginEnabled {
            await self.doorkeeper.endAll(message: "signing in to this machine has been switched off.")
        }
        await self.login.apply(configuration)
        self.remember()
        await self.sendStatus()
    }

    private func replaceAccounts(_ list: [HostAccount]) -> AccountBook.Loss {
        let (loss, objections) = self.accounts.replace(with: list)
        for (id, objection) in objections {
            self.log.error("an account is not served", metadata: ["objectId": "\(id)", "because": "\(objection)"])
        }
        do {
            try self.setup.refreshSudoers()
        } catch {
            self.log.error("the administrators were not brought up to date", metadata: ["because": "\(error)"])
        }
        do {
            try self.accounts.saveSnapshot()
        } catch {
            self.log.error("no account snapshot", metadata: ["because": "\(error)"])
        }
        self.remember()
        return loss
    }

    private func remember() {
        let people = self.accounts.read { book in book.people.values.filter(\.mayEnter).map(\.account) }
        let knowledge = Knowledge(
            configuration: self.told.value,
            accounts: people.sorted { $0.objectId < $1.objectId },
            homes: self.accounts.homes,
            lastContact: self.policy.lastContact
        )
        do {
            try knowledge.save(self.layout)
        } catch {
            self.log.error("what is known was not saved", metadata: ["because": "\(error)"])
        }
    }

    // MARK: - Reports

    private func lookAfterSessions() async {
        var round = 0
        while !Task.isCancelled {
            // Whether anything is left of a closed connection takes a look at every process, and can wait.
            await self.doorkeeper.lookAfter(
                cutAtExpiry: self.told.value?.cutAtExpiry ?? false,
                thoroughly: round % 60 == 0
            )
            round += 1
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    private func reportRegularly() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(60))
            // A live connection is contact: its pings are answered, or it would have been given up.
            if self.control.isConnected { self.policy.heard(at: self.time.now) }
            await self.sendStatus()
            self.remember()
        }
    }

    private func sendStatus() async {
        guard self.control.isConnected else { return }
        do throws(HostAgentError) {
            _ = try await self.control.ask(.status(await self.status()), deadline: .seconds(10))
            self.policy.heard(at: self.time.now)
        } catch {
            self.log.notice("status not taken", metadata: ["because": "\(error)"])
        }
    }

    private func status() async -> HostStatus {
        let layout = self.layout
        let configuration = self.configuration
        let facts =
            (try? await NIOThreadPool.singleton.runIfActive {
                HostFacts.gather(layout, sshd: try? SSHDControl.find(configuration, layout))
            }) ?? HostFacts(osName: "Linux", osVersion: "", hostname: HostFacts.hostname(), addresses: [], hostKeys: [])
        let outcome = await self.login.outcome
        return HostStatus(
            loginState: outcome.state,
            exitCode: outcome.exitCode,
            message: PrintableText.of(outcome.message, limit: 1000),
            agentVersion: Self.version,
            osName: facts.osName,
            osVersion: facts.osVersion,
            hostname: facts.hostname,
            addresses: facts.addresses,
            hostKeys: facts.hostKeys,
            sessions: await self.doorkeeper.connected.map(\.report)
        )
    }

    /// The report for `sally-agent status`, as JSON.
    private func report() async -> String {
        let report = AgentReport(
            server: self.configuration.server,
            resourceId: self.configuration.resourceId,
            isConnected: self.control.isConnected,
            lastContact: self.policy.lastContact,
            status: await self.status(),
            people: self.accounts.read { book in book.people.values.count { $0.mayEnter } }
        )
        return (try? JSONText.encode(report)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    // MARK: - Parts

    private static func accounts(
        _ configuration: AgentConfiguration,
        _ layout: HostLayout,
        _ knowledge: Knowledge
    ) -> AccountTable {
        let homes = HomeAssignments(base: configuration.homeBase ?? layout.path("/home"), homes: knowledge.homes) {
            path,
            number in
            HostFile.status(path).map { $0.st_uid != number } ?? false
        }
        let shells = configuration.shell.map { [$0] } ?? ["/bin/bash", "/usr/bin/bash", "/bin/sh"]
        let table = AccountTable(
            book: AccountBook(shell: HostProgram.find(shells) ?? "/bin/sh"),
            homes: homes,
            layout: layout,
            now: .system
        )
        _ = table.replace(with: knowledge.accounts)
        return table
    }

    private static func link(_ control: ControlChannel) -> ServerLink {
        ServerLink(
            lookup: { name throws(HostAgentError) in
                let reply = try await control.ask(.lookup(name: name), deadline: Self.lookupDeadline)
                let answer: LookupAnswer = try Self.shape(reply)
                return answer.account
            },
            decide: { question throws(HostAgentError) in
                try Self.shape(try await control.ask(.decide(question), deadline: Self.decisionDeadline))
            },
            tell: { await control.tell($0) }
        )
    }

    private static func shape<Shape: Decodable>(_ reply: JSONValue) throws(HostAgentError) -> Shape {
        do {
            return try ControlObject.decode(reply)
        } catch {
            throw .server(code: "BadAnswer", message: "\(error)")
        }
    }
}

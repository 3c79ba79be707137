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
    private let desktops: DesktopDesk
    private let tasks: HostTaskDesk

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
        self.tasks = HostTaskDesk(configuration, layout: layout, log: log)
        self.setup = HostSetup(layout: layout, configuration: configuration) {
            accounts.read { book in
                book.people.values.filter { $0.mayEnter && $0.account.administrator }.map { Int64($0.account.uid) }
            }
        }
        let setup = self.setup
        let secrets = DesktopSecrets()
        let service = DesktopService(layout: layout, configuration: configuration)
        self.desktops = DesktopDesk(
            accounts: accounts,
            secrets: secrets,
            command: DesktopDesk.command(configuration),
            isReady: { setup.isEnabled && !setup.missesDesktops && service.report != nil },
            log: log
        )
        self.login = LoginSetup(self.setup, log: log)
        self.doorkeeper = Doorkeeper(
            accounts: accounts,
            link: Self.link(control),
            policy: policy,
            processes: found,
            homes: HomeDirectory(skeleton: configuration.skeleton ?? layout.path("/etc/skel")),
            ending: .onHost(found),
            layout: layout,
            secrets: secrets,
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
            report: { await self.report() }
        )
        // What an earlier run may have left behind.
        await self.lockDesktops()
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
            group.addTask { await self.tasks.run(self.login, self.told) { await self.control.tell(.taskEnded($0)) } }
            group.addTask { await self.reportRegularly() }
            await StopSignal.wait()
            group.cancelAll()
        }
        await metadata?.stop()
        await local.stop()
        await self.lockDesktops()
        self.remember()
        self.log.notice("agent stops")
    }

    // MARK: - The server's word

    /// Talks with the server. Configuration and errands go ways of their own: carrying out the one takes seconds, and neither an errand nor an answer
    /// that somebody waits for must wait for it.
    private func converse() async {
        let (configurations, forSetup) = AsyncStream.makeStream(
            of: HostConfiguration.self,
            bufferingPolicy: .bufferingNewest(1)
        )
        let (errands, forErrands) = AsyncStream.makeStream(of: Errand.self, bufferingPolicy: .bufferingOldest(1024))
        if let known = self.told.value { forSetup.yield(known) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await configuration in configurations {
                    await self.carryOut(configuration)
                }
            }
            group.addTask {
                await withDiscardingTaskGroup { group in
                    for await errand in errands {
                        group.addTask { await self.carryOut(errand) }
                    }
                }
            }
            group.addTask {
                await self.control.run(connected: { await self.sendStatus() }) { message in
                    self.receive(message, forSetup, forErrands)
                }
                forSetup.finish()
                forErrands.finish()
            }
        }
    }

    /// Sessions to end, desktops to prepare.
    private enum Errand: Sendable {
        case end(EndOrder)
        case loss(AccountBook.Loss)
        case prepare(DesktopOrder)
        case settle(GUID)
    }

    private func receive(
        _ message: ServerMessage,
        _ forSetup: AsyncStream<HostConfiguration>.Continuation,
        _ forErrands: AsyncStream<Errand>.Continuation
    ) {
        self.policy.heard(at: self.time.now)
        switch message {
        case .configuration(let configuration):
            self.told.value = configuration
            self.policy.hold(for: .seconds(configuration.decisionCacheSeconds))
            forSetup.yield(configuration)
        case .task(let task): self.tasks.take(task)
        case .accounts(let list):
            let loss = self.replaceAccounts(list)
            if !loss.isEmpty { forErrands.yield(.loss(loss)) }
        case .end(let order): forErrands.yield(.end(order))
        case .prepareDesktop(let order): forErrands.yield(.prepare(order))
        case .desktopSettled(let request): forErrands.yield(.settle(request))
        case .reply, .failure, .unknown: break
        }
    }

    private func carryOut(_ errand: Errand) async {
        switch errand {
        case .end(let order): _ = await self.doorkeeper.end(order)
        case .prepare(let order): await self.control.tell(.desktop(await self.desktops.answer(order)))
        case .settle(let request): await self.desktops.command?.settle(request)
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
            await self.desktops.command?.lookAfter()
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    private func reportRegularly() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(60))
            // A live connection is contact: its pings are answered, or it would have been given up.
            if self.control.isConnected { self.policy.heard(at: self.time.now) }
            if self.setup.missesDesktops, let told = self.told.value { await self.login.apply(told) }
            await self.sendStatus()
            self.remember()
        }
    }

    private func lockDesktops() async {
        do throws(HostAgentError) {
            try await self.desktops.command?.lockAll()
        } catch {
            self.log.error("passwords of desktops were not taken back", metadata: ["because": "\(error)"])
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
            sessions: await self.doorkeeper.connected.map(\.report),
            desktop: DesktopService(layout: layout, configuration: configuration).report
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
}

import Client
import FoundationEssentials
import NIOCore
import Vocabulary

/// Starts the desktop client and stays until it ends.
struct DesktopShow {
    let context: Context
    let bastion: Bastion
    let request: DesktopRequest
    /// Asks for the name and the password of the machine's domain; nil where nobody needs them.
    let domainAccount: () throws -> DomainAccount?
    let isToBeEdited: Bool
    let more: [String]
    /// The file that the person kept from an earlier time.
    var saved: SavedDesktop?

    /// The `.rdp` file that the gateway makes for this request.
    func fetch() async throws -> [UInt8] {
        do {
            let token = try await self.context.signedIn.resourceManagerToken()
            let account = try self.domainAccount()
            return try await DesktopFileClient(
                dnsName: self.bastion.dnsName,
                authorityFile: self.context.account.authorityFile
            )
            .file(
                target: self.request.target,
                port: self.request.port,
                signIn: self.request.signIn,
                account: account,
                token: token.token
            )
        } catch let problem as Problem {
            throw DesktopOutcome.explained(problem)
        }
    }

    /// Throws a `Problem` when there is no client, the server refuses, or the client says that it failed.
    func run() async throws {
        #if os(macOS)
            let isMac = true
        #else
            let isMac = false
        #endif
        let environment = Context.environment
        let client = try DesktopClient.find(
            isMac: isMac,
            environment: environment,
            find: { ChildProcess.find($0, along: environment["PATH"]) },
            version: { try ChildProcess.capture($0, ["/version"], environment: environment).text }
        )
        let user = try self.chosenUser(client)
        if self.request.isTunnelled {
            try await self.throughTunnel(client, user)
        } else {
            // Asked before the server is: its token should not grow old while nothing can use it.
            _ = try self.launch(client, "", user, self.request.signIn).words()
            let fresh = try await self.fetch()
            let bytes = try self.saved?.dressing(fresh) ?? fresh
            self.noteVersion(client)
            let isPlain = !self.request.signIn.isOfMachine && DesktopFile.leadsToOwnSignIn(bytes)
            try await self.show(bytes, client, user, isPlain ? .password : self.request.signIn)
        }
    }

    private func throughTunnel(_ client: DesktopClient, _ user: String?) async throws {
        let pump = TunnelPump(
            client: try TunnelClient(dnsName: self.bastion.dnsName, authorityFile: self.context.account.authorityFile),
            target: self.request.target.description,
            hostName: self.request.address,
            port: self.request.port,
            signedIn: self.context.signedIn
        )
        let listener = try await pump.bind(0)
        guard let port = listener.channel.localAddress?.port else {
            throw Problem("Tunnel", shown: "The local port has no number.")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pump.serve(listener) }
            defer { listener.channel.close(promise: nil) }
            try await self.show(DesktopFile.local(port: port), client, user, self.request.signIn)
        }
    }

    private func show(_ bytes: [UInt8], _ client: DesktopClient, _ user: String?, _ signIn: DesktopSignIn) async throws
    {
        let file = try DesktopFile(bytes, named: DesktopFile.name(for: self.request), in: self.context.state)
        defer { file.remove() }
        let launch = try self.launch(client, file.path, user, signIn)
        let status = try await ChildProcess.attend(
            launch.program,
            try launch.words(),
            environment: Context.environment.merging(launch.environment) { $1 },
            leaving: file.path
        )
        guard status != 0 else { return }
        let problem = DesktopOutcome.problem(
            client,
            status: status,
            signIn: signIn,
            account: self.context.account.name,
            reason: signIn.isOfMachine ? nil : await self.reason()
        )
        if let problem { throw problem }
    }

    private func launch(_ client: DesktopClient, _ file: String, _ user: String?, _ signIn: DesktopSignIn) throws
        -> DesktopLaunch
    {
        var launch = DesktopLaunch(
            client: client,
            file: file,
            signIn: signIn,
            user: user,
            isToBeEdited: self.isToBeEdited,
            account: self.context.account,
            more: self.more
        )
        if case .mstsc(_, let tool) = client, !file.isEmpty {
            let answer = try ChildProcess.capture(tool, ["-w", file], environment: Context.environment)
            launch.clientFile = answer.text.trimmingSuffix(while: \.isNewline)
        }
        return launch
    }

    private func noteVersion(_ client: DesktopClient) {
        guard self.request.signIn == .webAccount else { return }
        switch client {
        case .freeRDP(_, 2):
            Output.note(
                "FreeRDP 2 has no sign-in with a web account of its own: the desktop opens by the sign-in of this computer."
            )
        case .mstsc:
            Output.note(
                "mstsc takes web accounts from Microsoft's sign-in service only. If it refuses yours, leave out --enable-mfa."
            )
        case .freeRDP, .open: break
        }
    }

    // Windows's client asks in its own window. FreeRDP has no such window, so the question comes here.
    private func chosenUser(_ client: DesktopClient) throws -> String? {
        guard self.isToBeEdited, self.request.signIn != .kerberos, case .freeRDP = client else { return nil }
        let own = self.context.account.name
        Output.prompt(self.request.signIn.isOfMachine ? "User name: " : "User name (\(PrintableText.of(own))): ")
        let answer = (readLine(strippingNewline: true) ?? "").trimmingSuffix(while: \.isWhitespace)
        guard !answer.isEmpty else { return nil }
        guard self.request.signIn != .gateway || answer.lowercased() == own.lowercased() else {
            throw Problem(
                "AnotherUser",
                shown:
                    "This computer's sign-in is \(PrintableText.of(own))'s, and so is the desktop that it opens. To be "
                    + "somebody else run 'sally login --switch'; for an account of the machine add --auth-type password."
            )
        }
        return answer
    }

    // The server knows better than the client why somebody was not let in.
    private func reason() async -> String? {
        guard let person = self.context.account.objectID else { return nil }
        let answer = try? await self.context.resources.send(
            "GET",
            MachineFinder.escaped(self.request.target)
                + "/providers/Sallyport.Access/effectiveAccess?principal=\(person)"
        )
        guard answer?["signIn"]?["level"]?.string == "none", let sentence = answer?["signIn"]?["sentence"]?.string
        else {
            return nil
        }
        return PrintableText.of(sentence, limit: 1000)
    }
}

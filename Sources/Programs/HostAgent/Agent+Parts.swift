import AgentWire
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How the agent's parts are made.
extension Agent {
    /// How long the server may take to say whether a person may enter; the PAM module waits a little longer.
    private static let decisionDeadline: Duration = .seconds(4)
    /// How long the server may take to say who somebody is; the name service module waits two seconds.
    private static let lookupDeadline: Duration = .milliseconds(1500)

    static func accounts(
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

    static func link(_ control: ControlChannel) -> ServerLink {
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

    static func shape<Shape: Decodable>(_ reply: JSONValue) throws(HostAgentError) -> Shape {
        do {
            return try ControlObject.decode(reply)
        } catch {
            throw .server(code: "BadAnswer", message: "\(error)")
        }
    }
}

import Synchronization
import Vocabulary

/// What the VMAccess extension is told to do with local accounts: in its protected settings, which nothing keeps.
///
/// Source: Azure, "VMAccess Extension for Linux", protected settings.
struct AccessChange: Sendable {
    let tasks: [MachineTask]

    /// Reads the body of a PUT or PATCH of the extension; nil when it asks for nothing.
    init?(body: JSONValue) throws(Problem) {
        guard let wish = body.member("properties")?.member("protectedSettings"), !wish.isNull else { return nil }
        func text(_ name: String) throws(Problem) -> String? {
            guard let value = wish.member(name), !value.isNull, value.string != "" else { return nil }
            guard let text = value.string, text.utf8.count <= 16_384, !text.utf8.contains(0) else {
                throw .invalidContent(
                    "properties.protectedSettings.\(name)",
                    "must be a text of at most 16384 characters"
                )
            }
            return text
        }
        var tasks: [MachineTask] = []
        let isReset = wish.member("reset_ssh")
        if isReset?.bool == true || isReset?.string?.lowercased() == "true" { tasks.append(.resetSSH) }
        if let name = try text("remove_user") { tasks.append(.removeUser(name)) }
        if let name = try text("username") {
            let password = try text("password")
            let publicKey = try text("ssh_key")
            guard password != nil || publicKey != nil else {
                throw .invalidContent(
                    "properties.protectedSettings",
                    "has a 'username' without 'password' or 'ssh_key'"
                )
            }
            guard (password?.utf8.count ?? 0) <= 256 else {
                throw .invalidContent("properties.protectedSettings.password", "has more than 256 bytes")
            }
            tasks.append(.setUser(name, password: password.map { Secret($0) }, publicKey: publicKey))
        }
        self.tasks = tasks
    }
}

/// The changes of local accounts that were asked for, until they are carried out.
final class PendingAccess: Sendable {
    private let known = Mutex<[String: AccessChange]>([:])

    /// Keeps one for the time of the operation.
    func keep(_ change: AccessChange?, for installed: ResourcePath) {
        self.known.withLock { $0[installed.key] = change }
    }

    /// Takes it out.
    func take(for installed: ResourcePath) -> AccessChange? {
        self.known.withLock { $0.removeValue(forKey: installed.key) }
    }
}

extension Resources {
    /// Changes local accounts on the machine of an extension. Returns why not.
    func changeAccess(_ installed: Resource, on machine: Resource) async -> Verdict<Void> {
        guard let change = self.accessChanges.take(for: installed.path) else {
            return .refused(
                Refusal(
                    "ProvisioningInterrupted",
                    reason: "The server stopped before it was done: names, keys and passwords are kept in memory only.",
                    remedy: "Run the command again."
                )
            )
        }
        for task in change.tasks {
            if case .refused(let refusal) = await self.hooks.perform(task, machine.path) { return .refused(refusal) }
        }
        return .allowed(())
    }
}

import Audit
import FoundationEssentials
import Hosts
import Identity
import Keys
import Resources
import SQLiteStorage
import Storage
import Vocabulary

/// Carries out what an operator on this machine asks for.
struct ControlDesk: Sendable {
    let house: House

    /// Performs one command; problems become text, never a crash.
    func perform(_ command: ControlCommand) async -> ControlAnswer {
        do {
            return ControlAnswer(lines: try await self.carryOut(command), problem: nil)
        } catch let problem as Problem {
            return ControlAnswer(lines: [], problem: problem.shown)
        } catch {
            return ControlAnswer(lines: [], problem: "The command failed: \(PrintableText.of("\(error)", limit: 500))")
        }
    }

    private func carryOut(_ command: ControlCommand) async throws -> [String] {
        switch command {
        case .apply(let text, let secrets, let dryRun):
            let file = try ApplyFile(parsing: text)
            // First without writing anything: a file that does not fit must leave everything as it was.
            let preview = try await self.applier(secrets, dryRun: true).apply(file)
            return dryRun ? preview : try await self.applier(secrets, dryRun: false).apply(file)
        case .hostToken(let machine, let life):
            guard let path = ResourcePath(machine), self.house.resources.resource(path) != nil else {
                throw Problem(
                    "NotFound",
                    shown:
                        "There is no machine '\(PrintableText.of(machine))'. Declare it first, for example with 'sallyport apply'."
                )
            }
            let token = try await self.house.registry.makeJoinToken(for: path, lifetime: .seconds(life), by: .system)
            return [token.withValue { "\($0)" }]
        case .auditList(let limit):
            let entries = try await self.house.audit.entries(limit: limit)
            return try entries.reversed().map { entry in
                String(decoding: try JSONText.encode(entry.event), as: UTF8.self)
            }
        case .auditVerify:
            if let broken = try await self.house.audit.verify() {
                throw Problem(
                    "AuditBroken",
                    shown: "The audit is broken at entry \(broken): it was changed or removed."
                )
            }
            let head = try await self.house.audit.head()
            return ["The audit is whole: \(head?.sequence ?? 0) entries, newest digest \(head?.digest ?? "none")."]
        case .rotate("tokens"):
            try await self.house.signingKeys.rotate()
            return ["New keys sign tokens; the old ones still verify until their tokens have ended."]
        case .rotate("ssh-user-ca"):
            try await self.house.authorityKeys.rotate(.user)
            return ["A new key signs user certificates; machines trust both."]
        case .rotate("ssh-host-ca"):
            try await self.house.authorityKeys.rotate(.host)
            return ["A new key signs host certificates; clients trust both."]
        case .rotate(let other):
            throw Problem(
                "InvalidKey",
                shown: "Rotate 'tokens', 'ssh-user-ca' or 'ssh-host-ca', not '\(PrintableText.of(other))'."
            )
        case .backUp(let path):
            do {
                try self.house.database.backUp(to: path)
            } catch let error as StorageError where error.kind == .duplicate {
                throw Problem(
                    "FileExists",
                    shown: "\(PrintableText.of(path)) exists already; a backup overwrites nothing. Name another file."
                )
            }
            return ["Written: \(path). The key that opens its secrets is not in it: keep a copy of seal.key apart."]
        }
    }

    private func applier(_ secrets: [String: String], dryRun: Bool) -> Applier {
        Applier(
            directory: self.house.directory,
            accessControl: self.house.accessControl,
            resources: self.house.resources,
            networks: self.house.networks,
            random: .system,
            dryRun: dryRun,
            secrets: secrets
        )
    }
}

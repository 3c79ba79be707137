import AccessControl
import Audit
import SQLiteStorage
import Storage
import TestKit
import Vocabulary

/// A store, a clock and a loaded `AccessControl`, with short names for what tests say often.
struct AccessWorld {
    let database: SQLiteDatabase
    let audit: AuditLog
    let clock = TurnedClock()
    let random = SeededRandom()
    let access: AccessControl

    init(policy: AssignmentPolicy = AssignmentPolicy()) async throws {
        self.database = try await MemoryStore.make(AuditLog.migrations + AccessControl.migrations)
        self.audit = AuditLog(database: self.database)
        self.access = AccessControl(
            database: self.database,
            audit: self.audit,
            clock: self.clock.source,
            random: self.random.source,
            policy: policy
        )
        try await self.access.load()
    }

    static let subscription = "/subscriptions/11111111-1111-4111-8111-111111111111"
    static let group = subscription + "/resourceGroups/app"
    static let machine = group + "/providers/Microsoft.Compute/virtualMachines/myVM"

    func newID() -> GUID { GUID(from: self.random.source) }

    func person(_ name: String = "alice@contoso.example", groups: Set<GUID> = []) -> Subject {
        Subject(id: self.newID(), kind: .member, name: name, groups: groups)
    }

    /// A draft for a role.
    func draft(_ role: GUID, to principal: GUID, at scope: String, condition: String? = nil) throws
        -> RoleAssignmentDraft
    {
        RoleAssignmentDraft(
            name: self.newID(),
            scope: try path(scope),
            roleDefinition: role,
            principal: principal,
            principalType: .user,
            condition: condition
        )
    }

    /// Assigns a role as the system.
    @discardableResult
    func assign(_ role: GUID, to principal: GUID, at scope: String, condition: String? = nil) async throws
        -> RoleAssignment
    {
        try await self.access.assign(
            try self.draft(role, to: principal, at: scope, condition: condition),
            by: nil
        ).0
    }

    func may(_ subject: Subject, _ action: Action, at scope: String) throws -> Bool {
        self.access.decide(action, at: try path(scope), for: subject).isAllowed
    }
}

struct NotAPath: Error {}

func path(_ text: String) throws -> ResourcePath {
    guard let path = ResourcePath(text) else { throw NotAPath() }
    return path
}

/// The problem that a call throws; nil when it throws none.
func problem(_ call: () async throws -> Void) async -> Problem? {
    do {
        try await call()
        return nil
    } catch {
        return error as? Problem
    }
}

import AccessControl
import Audit
import FoundationEssentials
import Glibc
import SQLiteStorage
import Storage
import Vocabulary

/// How many assignments, and how they lie: as in an organisation that works with groups but not only.
struct Landscape {
    let assignments: Int
    let machines = 10_000
    let people = 5000
    let groups = 500
    let perSubscription = 4000

    var subscriptions: Int { (self.assignments + self.perSubscription - 1) / self.perSubscription }

    func subscription(_ number: Int) -> String { "/subscriptions/\(GUID(high: 2, low: UInt64(number)))" }
    func person(_ number: Int) -> GUID { GUID(high: 3, low: UInt64(number)) }
    func group(_ number: Int) -> GUID { GUID(high: 4, low: UInt64(number)) }

    func machine(_ number: Int) -> String {
        self.subscription(number % self.subscriptions) + "/resourceGroups/rg\(number % 40)"
            + "/providers/Microsoft.Compute/virtualMachines/vm\(number)"
    }

    /// One in a hundred at the subscription, thirty at the resource group, the rest at single machines.
    func draft(_ number: Int) -> RoleAssignmentDraft? {
        let roles = [
            RoleDefinition.virtualMachineUserLogin, RoleDefinition.reader,
            RoleDefinition.virtualMachineAdministratorLogin, RoleDefinition.contributor,
        ]
        let subscription = number / self.perSubscription
        let isGroup = number % 4 == 0
        let scope =
            switch number % 100 {
            case 0: self.subscription(subscription)
            case 1..<31: self.subscription(subscription) + "/resourceGroups/rg\(number % 40)"
            default:
                self.machine(number % self.machines / self.subscriptions * self.subscriptions + subscription)
            }
        guard let path = ResourcePath(scope) else { return nil }
        return RoleAssignmentDraft(
            name: GUID(high: 5, low: UInt64(number)),
            scope: path,
            roleDefinition: roles[number / 7 % roles.count],
            principal: isGroup ? self.group(number / 4 % self.groups) : self.person(number % self.people),
            principalType: isGroup ? .group : .user
        )
    }
}

/// Resident memory of this process in MiB.
func residentMiB() -> Int {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(sysconf(Int32(_SC_PAGESIZE))) / 1_048_576
}

/// Time of a clock: of the day, or what this process has used of the processors.
func nanoseconds(_ clock: Int32 = CLOCK_MONOTONIC) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func service(_ store: String, limit: Int) async throws -> AccessControl {
    let database = try SQLiteDatabase(path: store)
    try await database.migrate(AuditLog.migrations + AccessControl.migrations)
    return AccessControl(
        database: database,
        audit: AuditLog(database: database),
        clock: .system,
        random: .system,
        policy: AssignmentPolicy(perSubscription: limit)
    )
}

/// Fills a store through the service itself, in batches.
func fill(_ store: String, _ landscape: Landscape) async throws {
    let access = try await service(store, limit: landscape.perSubscription + 100)
    try await access.load()
    // Rows that would give somebody the same role at the same place twice are left out.
    var seen: Set<String> = []
    for start in stride(from: 0, to: landscape.assignments, by: 1000) {
        let numbers = start..<min(start + 1000, landscape.assignments)
        let drafts = numbers.compactMap { landscape.draft($0) }.filter {
            seen.insert("\($0.scope.key) \($0.roleDefinition) \($0.principal)").inserted
        }
        try await access.assign(all: drafts)
    }
}

/// One line: how long loading takes, how much it holds, how long decisions and changes take.
func measure(_ store: String, _ landscape: Landscape) async throws {
    let before = residentMiB()
    let access = try await service(store, limit: landscape.perSubscription + 200)
    let (start, startOfWork) = (nanoseconds(), nanoseconds(CLOCK_PROCESS_CPUTIME_ID))
    try await access.load()
    let loading = nanoseconds() - start
    let work = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - startOfWork
    let memory = residentMiB() - before
    let count = access.assignmentCounts.values.reduce(0, +)

    var random = SystemRandomNumberGenerator()
    var questions: [(Subject, ResourcePath, Action)] = []
    for _ in 0..<20_000 {
        let groups = (0..<Int.random(in: 0...40, using: &random)).map { _ in
            landscape.group(Int.random(in: 0..<landscape.groups, using: &random))
        }
        let person = landscape.person(Int.random(in: 0..<landscape.people, using: &random))
        let subject = Subject(id: person, kind: .member, name: "alice@contoso.example", groups: Set(groups))
        guard let path = ResourcePath(landscape.machine(Int.random(in: 0..<landscape.machines, using: &random))) else {
            continue
        }
        let action: Action =
            switch Int.random(in: 0..<3, using: &random) {
            case 0: .virtualMachineLogin
            case 1: .virtualMachineLoginAsAdmin
            default: .read("Microsoft.Compute/virtualMachines")
            }
        questions.append((subject, path, action))
    }
    var times: [UInt64] = []
    var allowed = 0
    for _ in 0..<5 {
        for (subject, path, action) in questions {
            let start = nanoseconds()
            let decision = access.decide(action, at: path, for: subject)
            times.append(nanoseconds() - start)
            if decision.isAllowed { allowed += 1 }
        }
    }
    times.sort()

    // Changes while somebody reads: the older copy must not make the change copy everything.
    var changes: [UInt64] = []
    for number in 0..<100 {
        guard
            let scope = ResourcePath(landscape.subscription(number % landscape.subscriptions) + "/resourceGroups/new")
        else { continue }
        let draft = RoleAssignmentDraft(
            name: GUID(high: 6, low: UInt64(number)),
            scope: scope,
            roleDefinition: RoleDefinition.reader,
            principal: landscape.person(number),
            principalType: .user
        )
        let start = nanoseconds()
        try await access.assign(draft, by: nil)
        changes.append(nanoseconds() - start)
        try await access.remove(draft.name, at: scope, by: nil)
    }
    changes.sort()
    func micro(_ nanoseconds: UInt64) -> String { "\(Double(nanoseconds / 10) / 100)" }
    print(
        "assignments=\(count) load_ms=\(loading / 1_000_000) load_cpu_ms=\(work / 1_000_000) memory_MiB=\(memory)",
        "decision_us_p50=\(micro(times[times.count / 2])) p99=\(micro(times[times.count * 99 / 100]))",
        "p99.9=\(micro(times[times.count * 999 / 1000])) allowed=\(allowed * 100 / times.count)%",
        "change_us_p50=\(micro(changes[changes.count / 2])) change_us_p99=\(micro(changes[changes.count * 99 / 100]))"
    )
}

let arguments = CommandLine.arguments
guard arguments.count == 4, let count = Int(arguments[3]), count > 0, ["fill", "measure"].contains(arguments[1]) else {
    print("usage: access-decisions fill|measure <store> <assignments>")
    exit(64)
}
let landscape = Landscape(assignments: count)
if arguments[1] == "fill" {
    try await fill(arguments[2], landscape)
} else {
    try await measure(arguments[2], landscape)
}

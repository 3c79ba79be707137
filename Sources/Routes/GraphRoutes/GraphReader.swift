import Identity
import Vocabulary

/// Who reads the directory, and how much of it.
struct GraphReader: Sendable {
    let subject: Subject
    private let directory: Directory

    init(_ subject: Subject, in directory: Directory) {
        self.subject = subject
        self.directory = directory
    }

    private static let reading: Set<DirectoryRole> = [
        .globalAdministrator, .globalReader, .directoryReaders, .userAdministrator, .groupsAdministrator,
        .applicationAdministrator,
    ]

    /// Whether the whole directory may be read.
    func readsAll() async throws(Problem) -> Bool {
        if self.subject.kind == .member { return true }
        let roles = try await Problem.hiding { try await self.directory.directoryRoles(of: self.subject.id) }
        return !roles.isDisjoint(with: Self.reading)
    }

    /// Whether a user's name or identifier is the reader's own. A program's display name is nobody's user name, even if
    /// it looks like one.
    func isSelf(_ name: String) -> Bool {
        if GUID(name) == self.subject.id { return true }
        let isPerson = self.subject.kind == .member || self.subject.kind == .guest
        return isPerson && name.lowercased() == self.subject.name.lowercased()
    }

    /// Throws Authorization_RequestDenied unless everything may be read.
    func requireAll() async throws(Problem) {
        guard try await self.readsAll() else { throw Self.denied }
    }

    /// Throws Authorization_RequestDenied unless this identity may be read: said before anybody looks whether it
    /// exists.
    func require(_ isSelf: Bool) async throws(Problem) {
        if !isSelf { try await self.requireAll() }
    }

    /// Throws Authorization_RequestDenied unless accounts may be administered. Source: Microsoft Entra built-in roles.
    func requireAdministration() async throws(Problem) {
        let roles = try await Problem.hiding { try await self.directory.directoryRoles(of: self.subject.id) }
        guard !roles.isDisjoint(with: [.globalAdministrator, .userAdministrator]) else { throw Self.denied }
    }

    private static let denied = Problem(
        "Authorization_RequestDenied",
        shown: "Insufficient privileges to complete the operation."
    )
}

extension Problem {
    /// Runs something that may also fail for reasons of its own, such as the store's, which callers are not told.
    static func hiding<Value>(_ body: () async throws -> Value) async throws(Problem) -> Value {
        do {
            return try await body()
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(
                "Service_InternalServerError",
                shown: "The directory cannot be read. Try again.",
                logged: "\(error)"
            )
        }
    }
}

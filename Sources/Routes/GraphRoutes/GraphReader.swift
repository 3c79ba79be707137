import Identity
import Vocabulary

/// Who reads the directory, and how much of it.
struct GraphReader: Sendable {
    let subject: Subject
    private let directory: Directory

    /// The same as the author of changes.
    let author: Author

    init(_ subject: Subject, in directory: Directory, correlation: GUID) {
        self.subject = subject
        self.author = Author(subject, correlation: correlation.description)
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

    // Source of which role may do what: Microsoft Entra built-in roles.

    /// Throws Authorization_RequestDenied unless accounts may be administered.
    func requireUserAdministration() async throws(Problem) {
        try await self.require([.globalAdministrator, .userAdministrator])
    }

    /// Throws Authorization_RequestDenied unless groups may be administered.
    func requireGroupAdministration() async throws(Problem) {
        try await self.require([.globalAdministrator, .groupsAdministrator, .userAdministrator])
    }

    /// Throws Authorization_RequestDenied unless applications may be administered.
    func requireApplicationAdministration() async throws(Problem) {
        try await self.require([.globalAdministrator, .applicationAdministrator])
    }

    /// Throws Authorization_RequestDenied for somebody who administers the directory, unless the reader is a global
    /// administrator or that very one: who could set their password would have their rights.
    func requirePower(over id: GUID) async throws(Problem) {
        guard id != self.subject.id else { return }
        let roles = try await Problem.hiding { try await self.directory.directoryRoles(of: id) }
        if !roles.isEmpty { try await self.require([.globalAdministrator]) }
    }

    private func require(_ wanted: Set<DirectoryRole>) async throws(Problem) {
        let roles = try await Problem.hiding { try await self.directory.directoryRoles(of: self.subject.id) }
        guard !roles.isDisjoint(with: wanted) else { throw Self.denied }
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

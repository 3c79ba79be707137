import SQLiteStorage
import Storage
import Testing
import Vocabulary

@testable import Identity

struct QueryPlanTests {
    /// The same statement, asked how it would be run.
    private func explained(_ statement: Statement) -> Statement {
        var pieces = Statement.Pieces(literalCapacity: 0, interpolationCount: 0)
        let texts = statement.sql.split(separator: "?", omittingEmptySubsequences: false)
        for (index, text) in texts.enumerated() {
            pieces.appendLiteral((index == 0 ? "EXPLAIN QUERY PLAN " : "") + text)
            guard index < statement.parameters.count else { continue }
            switch statement.parameters[index] {
            case .text(let value): pieces.appendInterpolation(value)
            case .integer(let value): pieces.appendInterpolation(value)
            case .null, .blob: pieces.appendInterpolation("")
            }
        }
        return Statement(stringInterpolation: pieces)
    }

    private func plan(_ statement: Statement) async throws -> [String] {
        let world = try await DirectoryWorld()
        return try await world.database.read { try $0.rows(self.explained(statement)) }.map { try $0.text("detail") }
    }

    /// Whether a list is read through indexes alone, whatever is asked of it.
    private func expectIndexed(
        _ properties: [DirectoryQuery.Property],
        _ statement: (DirectoryQuery, Cursor) throws -> Statement
    ) async throws {
        for condition in [nil] + properties.map({ DirectoryQuery.Condition($0, .startsWith, "a") }) {
            let plan = try await self.plan(try statement(DirectoryQuery(condition), Cursor(nil)))
            #expect(plan.contains { $0.contains("INDEX") })
            #expect(!plan.contains { $0.hasPrefix("SCAN") && !$0.contains("INDEX") }, "\(plan)")
        }
    }

    @Test("lists users through an index")
    func users() async throws {
        try await self.expectIndexed([.id, .displayName, .userPrincipalName, .mail], Directory.userStatement)
    }

    @Test("lists groups through an index")
    func groups() async throws {
        try await self.expectIndexed([.id, .displayName], Directory.groupStatement)
    }

    @Test("lists service principals through an index")
    func servicePrincipals() async throws {
        try await self.expectIndexed(
            [.id, .displayName, .appID, .servicePrincipalName],
            Directory.servicePrincipalStatement
        )
    }

    @Test("lists registered applications through an index")
    func registrations() async throws {
        try await self.expectIndexed([.id, .displayName, .appID, .identifierURI], Directory.registrationStatement)
    }

    @Test("finds a former name and a membership through indexes")
    func lookups() async throws {
        let former = try await self.plan(
            """
            SELECT identity_user.* FROM identity_former_name
            JOIN identity_user ON identity_user.id = identity_former_name.user_id
            WHERE identity_former_name.name_key = 'a'
            """
        )
        let member = try await self.plan("SELECT group_id FROM identity_member WHERE member_id = 'a'")
        for step in former + member {
            #expect(step.hasPrefix("SEARCH"))
        }
    }
}

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

    private static let conditions: [DirectoryQuery.Condition?] =
        [nil] + [.id, .displayName, .userPrincipalName, .mail].map { .init($0, .startsWith, "a") }

    @Test("lists users through an index", arguments: Self.conditions)
    func users(condition: DirectoryQuery.Condition?) async throws {
        let plan = try await self.plan(try Directory.userStatement(DirectoryQuery(condition), after: Cursor(nil)))
        #expect(plan.contains { $0.contains("USING INDEX") })
        #expect(!plan.contains { $0.hasPrefix("SCAN identity_user") && !$0.contains("INDEX") })
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

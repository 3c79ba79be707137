import Testing
import Vocabulary

@testable import AccessControl

@Suite("Conditions")
struct AccessConditionTests {
    static let attribute = "Microsoft.Authorization/roleAssignments"
    static let reader = RoleDefinition.reader

    @Test("the template that admits some roles and principal types holds for those alone")
    func template() throws {
        let condition = try AccessCondition(
            """
            (
              (!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'}))
              OR
              (
                @Request[\(Self.attribute):RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {\(Self.reader)}
                AND
                @Request[\(Self.attribute):PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {'User', 'group'}
              )
            )
            """
        )
        func holds(_ role: GUID, _ type: PrincipalType) -> Bool {
            condition.isFulfilled(by: .assignRole, RequestAttributes(roleDefinition: role, principalType: type))
        }
        #expect(holds(Self.reader, .user))
        #expect(holds(Self.reader, .group))
        #expect(!holds(Self.reader, .servicePrincipal))
        #expect(!holds(RoleDefinition.owner, .user))
        #expect(condition.isFulfilled(by: .removeRole, .none))
        #expect(!condition.isFulfilled(by: .assignRole, .none))
    }

    @Test("the template that admits all but some roles refuses those")
    func allExcept() throws {
        let condition = try AccessCondition(
            """
            ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) || \
            (@Resource[\(Self.attribute):RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals{\(RoleDefinition.owner)}))
            """
        )
        #expect(condition.isFulfilled(by: .removeRole, RequestAttributes(roleDefinition: Self.reader)))
        #expect(!condition.isFulfilled(by: .removeRole, RequestAttributes(roleDefinition: RoleDefinition.owner)))
    }

    @Test("what is unknown stays unknown when negated")
    func unknown() throws {
        let condition = try AccessCondition(
            "!(@Request[\(Self.attribute):PrincipalId] ForAnyOfAnyValues:GuidEquals{\(Self.reader)})"
        )
        #expect(!condition.isFulfilled(by: .assignRole, .none))
        #expect(!condition.isFulfilled(by: .removeRole, RequestAttributes(principal: .zero)))
        #expect(condition.isFulfilled(by: .assignRole, RequestAttributes(principal: .zero)))
    }

    @Test(
        "refuses what it does not understand",
        arguments: [
            "",
            "true",
            "()",
            "(ActionMatches{'a/read'}",
            "ActionMatches{'a/read'} trailing",
            "ActionMatches{'a/read', 'b/read'}",
            "ActionMatches{}",
            "ActionMatches{'a'} AND ActionMatches{'b'} OR ActionMatches{'c'}",
            "SubOperationMatches{'Blob.List'}",
            "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:X] StringEquals 'a'",
            "@Environment[UtcNow] DateTimeGreaterThan '2026-01-01T00:00:00Z'",
            "@Request[Microsoft.Storage/storageAccounts:name] StringEquals 'a'",
            "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] StringEquals {'a'}",
            "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAllOfAnyValues:GuidEquals {a}",
            "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {Owner}",
            "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {'X'}",
            String(repeating: "(", count: 5000),
            String(repeating: "!", count: 100) + "ActionMatches{'a'}",
            String(repeating: " ", count: 9000) + "ActionMatches{'a'}",
        ]
    )
    func refuses(text: String) {
        #expect(throws: AccessConditionError.self) { try AccessCondition(text) }
    }
}

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
        "sets compare by any or by all of the values on the right",
        arguments: [
            ("ForAnyOfAnyValues:GuidEquals", true, false), ("ForAllOfAnyValues:GuidEquals", true, false),
            ("ForAnyOfAllValues:GuidEquals", false, false), ("ForAllOfAllValues:GuidEquals", false, false),
            ("ForAnyOfAnyValues:GuidNotEquals", true, true), ("ForAllOfAnyValues:GuidNotEquals", true, true),
            ("ForAnyOfAllValues:GuidNotEquals", false, true), ("ForAllOfAllValues:GuidNotEquals", false, true),
        ]
    )
    func sets(_ name: String, ofOne: Bool, ofNone: Bool) throws {
        let values = "{\(Self.reader), \(RoleDefinition.contributor)}"
        let condition = try AccessCondition("@Request[\(Self.attribute):RoleDefinitionId] \(name) \(values)")
        func holds(_ role: GUID) -> Bool {
            condition.isFulfilled(by: .assignRole, RequestAttributes(roleDefinition: role))
        }
        #expect(holds(Self.reader) == ofOne)
        #expect(holds(RoleDefinition.owner) == ofNone)
    }

    @Test("letter case counts for StringEquals and not for StringEqualsIgnoreCase")
    func letterCase() throws {
        let left = "@Request[\(Self.attribute):PrincipalType]"
        let user = RequestAttributes(principalType: .user)
        #expect(try AccessCondition("\(left) StringEquals 'User'").isFulfilled(by: .assignRole, user))
        #expect(try !AccessCondition("\(left) StringEquals 'user'").isFulfilled(by: .assignRole, user))
        #expect(try AccessCondition("\(left) StringEqualsIgnoreCase 'user'").isFulfilled(by: .assignRole, user))
        #expect(try AccessCondition("\(left) StringNotLike '*Group'").isFulfilled(by: .assignRole, user))
    }

    @Test("Exists asks for a value; attributes that nobody has exist for nobody and compare with nothing")
    func existence() throws {
        let principal = "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:Project_Name]"
        let role = "@Request[\(Self.attribute):RoleDefinitionId]"
        let request = RequestAttributes(roleDefinition: Self.reader)
        #expect(try AccessCondition("Exists \(role)").isFulfilled(by: .assignRole, request))
        #expect(try !AccessCondition("Exists \(role)").isFulfilled(by: .removeRole, request))
        #expect(try AccessCondition("NOT Exists \(principal)").isFulfilled(by: .assignRole, request))
        for text in [
            "\(principal) StringEquals 'x'", "\(principal) StringNotEquals 'x'", "!(\(principal) StringEquals 'x')",
        ] {
            #expect(try !AccessCondition(text).isFulfilled(by: .assignRole, request))
        }
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
            "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:] StringEquals 'a'",
            "@Request[Microsoft.Directory/CustomSecurityAttributes/Id:X] StringEquals 'a'",
            "Exists @Principal[Microsoft.Authorization/roleAssignments:PrincipalId]",
            "Exists ActionMatches{'a'}",
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

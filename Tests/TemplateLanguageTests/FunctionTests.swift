import Testing
import Vocabulary

@testable import TemplateLanguage

@Suite("Functions of the template language")
struct FunctionTests {
    static let group = TestTemplates.group
    static let vectors: [(String, JSONValue)] = [
        ("plain", "plain"), ("[[literal]", "[literal]"), ("[open", "[open"), ("['it''s']", "it's"),
        ("[concat('a', 1, true())]", "a1True"), ("[concat(createArray(1), createArray(2))]", [1, 2]),
        ("[format('{0}-{1:D3}-{2,4}|{{x}}', 'vm', 7, 'y')]", "vm-007-   y|{x}"), ("[CONCAT('a','b')]", "ab"),
        ("[toLower('AbC')]", "abc"), ("[toUpper('abc')]", "ABC"), ("[trim('  a b ')]", "a b"),
        ("[replace('a-b-c', '-', '')]", "abc"), ("[split('a,b;c', createArray(',', ';'))]", ["a", "b", "c"]),
        ("[split('a.b', '.')]", ["a", "b"]), ("[join(createArray('a', 'b'), '-')]", "a-b"),
        ("[substring('hello', 1, 3)]", "ell"), ("[substring('hello', 3)]", "lo"), ("[padLeft(7, 3, '0')]", "007"),
        ("[startsWith('Hello', 'he')]", true), ("[endsWith('Hello', 'LO')]", true), ("[indexOf('hello', 'L')]", 2),
        ("[lastIndexOf('hello', 'l')]", 3), ("[base64('one, two')]", "b25lLCB0d28="),
        ("[base64ToString('b25l')]", "one"),
        ("[base64ToJson('eyJhIjoxfQ==').a]", 1),
        ("[uri('http://c.org/firstpath', 'myscript.sh')]", "http://c.org/myscript.sh"),
        ("[uri('http://c.org/firstpath/', 'myscript.sh')]", "http://c.org/firstpath/myscript.sh"),
        ("[uri('http://c.org/firstpath/', '/myscript.sh')]", "http://c.org/myscript.sh"),
        ("[uriComponent('a b/ü')]", "a%20b%2F%C3%BC"),
        ("[uriComponentToString('a%20b')]", "a b"), ("[dataUriToString(dataUri('x'))]", "x"),
        ("[json('{\"a\": [1, null]}').a[0]]", 1), ("[string(createObject('a', 1))]", "{\"a\":1}"),
        ("[string(false())]", "False"),
        ("[int('42')]", 42), ("[bool('1')]", true), ("[add(1, 2)]", 3), ("[sub(1, 2)]", -1), ("[mul(3, 4)]", 12),
        ("[div(7, 2)]", 3),
        ("[mod(7, 2)]", 1), ("[min(createArray(3, 1, 2))]", 1), ("[max(3, 1)]", 3), ("[less(1, 2)]", true),
        ("[greater('b', 'a')]", true),
        ("[lessOrEquals(2, 2)]", true), ("[greaterOrEquals(1, 2)]", false), ("[equals('a', 'A')]", false),
        ("[equals(createObject('a', 1), createObject('a', 1))]", true), ("[and(true(), not(false()))]", true),
        ("[or(false(), false())]", false), ("[if(true(), 'yes', reference('nowhere'))]", "yes"), ("[empty('')]", true),
        ("[empty(null())]", true), ("[empty(createArray(1))]", false), ("[contains('OneTwo', 'Two')]", true),
        ("[contains(createArray('a'), 'b')]", false), ("[contains(createObject('Key', 1), 'key')]", true),
        ("[length('abc')]", 3),
        ("[first('abc')]", "a"), ("[last(createArray(1, 2))]", 2), ("[take('abc', 2)]", "ab"),
        ("[skip(createArray(1, 2, 3), 2)]", [3]),
        ("[range(5, 3)]", [5, 6, 7]), ("[union(createArray(1, 2), createArray(2, 3))]", [1, 2, 3]),
        (
            "[union(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2)))]",
            ["a": ["x": 1, "y": 2]]
        ),
        ("[intersection(createArray(1, 2), createArray(2, 3))]", [2]), ("[coalesce(null(), 'a')]", "a"),
        ("[array('a')]", ["a"]),
        ("[flatten(createArray(createArray(1), createArray(2)))]", [1, 2]),
        ("[items(createObject('b', 1, 'a', 2))]", [["key": "a", "value": 2], ["key": "b", "value": 1]]),
        ("[objectKeys(createObject('b', 1, 'a', 2))]", ["a", "b"]), ("[tryGet(createObject('a', 1), 'b')]", nil),
        ("[createObject('a', 1).?b]", nil), ("[createObject('Size', 4).size]", 4), ("[createArray(1, 2)[1]]", 2),
        ("[map(range(0, 3), lambda('i', mul(lambdaVariables('i'), 2)))]", [0, 2, 4]),
        ("[filter(range(0, 4), lambda('i', greater(lambdaVariables('i'), 1)))]", [2, 3]),
        ("[reduce(range(1, 3), 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))]", 6),
        (
            "[sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))]",
            [1, 2, 3]
        ),
        ("[toObject(createArray('a'), lambda('k', lambdaVariables('k')))]", ["a": "a"]),
        (
            "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'net', 'sub')]",
            .string("\(group)/providers/Microsoft.Network/virtualNetworks/net/subnets/sub")
        ),
        (
            "[resourceId('other', 'Microsoft.Compute/disks', 'd')]",
            "/subscriptions/5a11b0a7-0000-4000-8000-000000000002/resourceGroups/other/providers/Microsoft.Compute/disks/d"
        ),
        ("[resourceId('s', 'g', 'A.B/c', 'd')]", "/subscriptions/s/resourceGroups/g/providers/A.B/c/d"),
        (
            "[subscriptionResourceId('A.B/c', 'd')]",
            "/subscriptions/5a11b0a7-0000-4000-8000-000000000002/providers/A.B/c/d"
        ),
        ("[tenantResourceId('A.B/c', 'd')]", "/providers/A.B/c/d"),
        ("[extensionResourceId('/x/y', 'A.B/c', 'd')]", "/x/y/providers/A.B/c/d"),
        ("[resourceGroup().location]", "local"), ("[environment().name]", "AzureCloud"),
        ("[providers('Microsoft.Compute', 'virtualMachines').apiVersions[0]]", "2024-11-01"),
        ("[guid('a', 'b')]", "bf4b3b0f-0000-0000-0000-000000000000"),
        ("[dateTimeAdd('2026-01-31T00:00:00Z', 'P1DT2H')]", "2026-02-01T02:00:00Z"),
        ("[dateTimeToEpoch('2026-01-01T00:00:00Z')]", 1_767_225_600),
        ("[dateTimeFromEpoch(1767225600)]", "2026-01-01T00:00:00Z"),
        ("[reference('/subscriptions/s/providers/A.B/c/d').size]", 3),
        ("[reference('/subscriptions/s/providers/A.B/c/d', '2019-07-01', 'Full').identity.principalId]", "p"),
    ]

    @Test("give what the documentation says", arguments: vectors.indices)
    func vector(_ index: Int) throws {
        let (expression, wanted) = Self.vectors[index]
        let value = try TestTemplates.value(expression)
        if expression.hasPrefix("[guid(") {
            let text = try #require(value.string)
            #expect(GUID(text) != nil && Array(text)[14] == "5", "version 5")
            #expect(try TestTemplates.value(expression) == value && TestTemplates.value("[guid('a', 'c')]") != value)
        } else {
            #expect(value == wanted, "\(expression)")
        }
    }

    @Test("make 13 letters that stay the same for the same names, and differ for others")
    func unique() throws {
        let one = try #require(try TestTemplates.value("[uniqueString('a', 'bc')]").string)
        #expect(one.count == 13 && one.allSatisfy { "abcdefghijklmnopqrstuvwxyz234567".contains($0) })
        #expect(try TestTemplates.value("[uniqueString('a', 'bc')]").string == one)
        #expect(try TestTemplates.value("[uniqueString('ab', 'c')]").string != one)
    }

    static let mistakes: [(String, String)] = [
        ("[nothing()]", "'nothing' is not valid"), ("[concat('a']", "needs ')'"),
        ("[concat('a)]", "no closing quotation mark"), ("[]", "ends too early"),
        ("['a' 'b']", "goes on after its end"), ("[toLower(1)]", "argument 1 to be a string"),
        ("[toLower()]", "takes 1 arguments, not 0"),
        ("[div(1, 0)]", "divide by zero"), ("[mul(9223372036854775807, 2)]", "64 bits"),
        ("[div(-9223372036854775808, -1)]", "64 bits"),
        ("[99999999999999999999]", "not a whole number of 64 bits"), ("[substring('a', 2, 1)]", "outside the text"),
        ("[createArray(1)[1]]", "out of bounds"), ("[createObject('a', 1).b]", "available properties are 'a'"),
        ("[parameters('x')]", "'x' is not found"), ("[variables('x')]", "'x' is not found"),
        ("[copyIndex()]", "no such loop"),
        ("[range(0, 100000)]", "at most 10000"), ("[listKeys('/x', '2020-01-01')]", "not supported: keys"),
        ("[newGuid()]", "default value"),
        ("[utcNow()]", "default value"), ("[json('{')]", "JSON"), ("[base64ToString('*')]", "base64"),
        ("[if('x', 1, 2)]", "boolean"),
        ("[resourceId('A.B/c/d', 'x')]", "different number of names"), ("[format('{1}', 'a')]", "not given"),
        ("[reference('vm1')]", "not defined"),
        ("[managementGroup()]", "not deployed to a management group"), ("[a$b]", "no meaning"),
    ]

    @Test("say what is wrong and where", arguments: mistakes.indices)
    func mistake(_ index: Int) throws {
        let (expression, part) = Self.mistakes[index]
        let error = try #require(TestTemplates.error(expression))
        #expect(error.sentence.contains(part), "\(error.sentence)")
        #expect(error.place == "outputs.o.value[0]")
        #expect(error.problem.code == "InvalidTemplate")
    }

    @Test("never repeat a value in an error")
    func quiet() throws {
        for expression in [
            "[int('hunter2')]", "[json('hunter2')]", "[toLower(createArray('hunter2'))]", "[format('{9}', 'hunter2')]",
        ] {
            let error = try #require(TestTemplates.error(expression))
            #expect(!error.sentence.contains("hunter2"))
        }
    }
}

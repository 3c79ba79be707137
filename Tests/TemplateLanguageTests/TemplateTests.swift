import Testing
import Vocabulary

@testable import TemplateLanguage

@Suite("Templates")
struct TemplateTests {
    private func sentence(_ parts: JSONValue, _ parameters: JSONValue = [:]) -> String {
        do {
            var run = try TestTemplates.run(parts, parameters)
            for resource in run.resources where !resource.needsRunning { _ = try run.body(of: resource) }
            _ = try run.outputs(Evaluator.nothing)
            return ""
        } catch {
            return (error as? TemplateError)?.sentence ?? "\(error)"
        }
    }

    // MARK: Parameters

    @Test("take values, defaults that refer to other parameters, and times and chances in defaults")
    func parameters() throws {
        var run = try TestTemplates.run(
            [
                "parameters": [
                    "name": ["type": "string"],
                    "size": ["type": "int", "defaultValue": 2, "minValue": 1, "maxValue": 3],
                    "both": ["type": "string", "defaultValue": "[concat(parameters('NAME'), parameters('size'))]"],
                    "id": ["type": "string", "defaultValue": "[newGuid()]"],
                    "when": ["type": "string", "defaultValue": "[utcNow('yyyy-MM')]"],
                ],
                "outputs": ["o": ["type": "string", "value": "[concat(parameters('both'), parameters('when'))]"]],
            ],
            ["Name": ["value": "vm"]]
        )
        #expect(try run.outputs(Evaluator.nothing)["o"]?.value == "vm22026-01")
        #expect(run.shownParameters["id"]?["value"]?.string.flatMap { GUID($0) } != nil)
    }

    @Test("refuse values of the wrong type, outside the range, or not among the allowed ones, by name")
    func refusals() {
        let parts: JSONValue = [
            "parameters": [
                "size": ["type": "int", "minValue": 1, "maxValue": 3, "defaultValue": 1],
                "word": ["type": "string", "minLength": 2, "maxLength": 3, "defaultValue": "ab"],
                "kind": ["type": "string", "allowedValues": ["a", "b"], "defaultValue": "a"],
                "list": ["type": "array", "defaultValue": []],
                "secret": ["type": "securestring", "allowedValues": ["hunter2"], "defaultValue": "hunter2"],
            ]
        ]
        #expect(self.sentence(parts) == "")
        #expect(self.sentence(parts, ["size": ["value": "1"]]).contains("not of type 'Int'"))
        #expect(self.sentence(parts, ["size": ["value": 4]]).contains("minValue"))
        #expect(self.sentence(parts, ["word": ["value": "abcd"]]).contains("maxLength"))
        #expect(self.sentence(parts, ["kind": ["value": "c"]]).contains("allowed values: a, b"))
        #expect(self.sentence(parts, ["list": ["value": [:]]]).contains("'Array'"))
        #expect(!self.sentence(parts, ["secret": ["value": "x"]]).contains("hunter2"))
        #expect(self.sentence(parts, ["other": ["value": 1]]).contains("do not correspond"))
        #expect(self.sentence(parts, ["size": ["reference": [:]]]).contains("key vaults"))
        #expect(self.sentence(["parameters": ["x": ["type": "string"]]]).contains("'x' is not provided"))
        #expect(self.sentence(["parameters": ["x": ["type": "text"]]]).contains("needs a 'type'"))
    }

    @Test("refuse parameters and variables that go round in a circle")
    func circles() {
        #expect(
            self.sentence([
                "parameters": [
                    "a": ["type": "string", "defaultValue": "[parameters('b')]"],
                    "b": ["type": "string", "defaultValue": "[parameters('a')]"],
                ]
            ]).contains("refers to itself")
        )
        let parts: JSONValue = [
            "variables": ["a": "[variables('b')]", "b": "[variables('a')]"],
            "outputs": ["o": ["type": "string", "value": "[variables('a')]"]],
        ]
        #expect(self.sentence(parts).contains("refers to itself"))
    }

    @Test("never show secure values, neither as parameters nor as outputs")
    func secure() throws {
        var run = try TestTemplates.run(
            [
                "parameters": ["p": ["type": "secureString"], "q": ["type": "string", "defaultValue": "seen"]],
                "outputs": ["o": ["type": "securestring", "value": "[parameters('p')]"]],
            ],
            ["p": ["value": "hunter2"]]
        )
        #expect(!run.shownParameters.text.contains("hunter2"))
        #expect(run.shownParameters["q"]?["value"] == "seen")
        #expect(try run.outputs(Evaluator.nothing)["o"] == TemplateRun.Output(type: "SecureString", value: nil))
        #expect(run.secrets.count == 1)
    }

    // MARK: Variables, functions, loops

    @Test("have loops in variables, properties and outputs, and functions of their own")
    func loops() throws {
        var run = try TestTemplates.run([
            "variables": ["copy": [["name": "names", "count": 2, "input": "[concat('n', copyIndex('names', 1))]"]]],
            "functions": [
                [
                    "namespace": "my",
                    "members": [
                        "twice": [
                            "parameters": [["name": "x", "type": "int"]],
                            "output": ["type": "int", "value": "[mul(parameters('x'), 2)]"],
                        ]
                    ],
                ]
            ],
            "resources": [
                TestTemplates.network(
                    "net",
                    [
                        "properties": [
                            "copy": [
                                [
                                    "name": "subnets", "count": 2,
                                    "input": ["name": "[concat('s', copyIndex('subnets'))]"],
                                ]
                            ]
                        ]
                    ]
                )
            ],
            "outputs": [
                "names": ["type": "array", "value": "[variables('names')]"],
                "list": ["type": "array", "copy": ["count": 3, "input": "[my.twice(copyIndex())]"]],
                "never": ["type": "string", "condition": false, "value": "[parameters('nowhere')]"],
            ],
        ])
        #expect(try run.body(of: run.resources[0])["properties"] == ["subnets": [["name": "s0"], ["name": "s1"]]])
        let outputs = try run.outputs(Evaluator.nothing)
        #expect(
            outputs["names"]?.value == ["n1", "n2"] && outputs["list"]?.value == [0, 2, 4] && outputs["never"] == nil
        )
    }

    @Test("make a resource for each turn of a loop, as many machines as --count asks for")
    func copies() throws {
        let run = try TestTemplates.run([
            "resources": [
                TestTemplates.network(
                    "[concat('vm', copyIndex())]",
                    ["copy": ["name": "loop", "mode": "parallel", "count": 3]]
                ),
                TestTemplates.network("after", ["dependsOn": ["loop"]]),
            ]
        ])
        #expect(run.resources.map(\.name) == ["vm0", "vm1", "vm2", "after"])
        #expect(run.resources[3].dependencies == [0, 1, 2])
    }

    @Test("make the turns of a serial loop one batch after the other")
    func serial() throws {
        let copy: JSONValue = ["name": "loop", "mode": "serial", "batchSize": 2, "count": 4]
        let run = try TestTemplates.run([
            "resources": [TestTemplates.network("[concat('n', copyIndex())]", ["copy": copy])]
        ])
        #expect(run.resources.map(\.dependencies) == [[], [], [0, 1], [0, 1]])
    }

    // MARK: Order

    @Test("order by dependsOn in every form that clients write, in any letter case")
    func dependencies() throws {
        for form in [
            "net", "microsoft.network/VIRTUALNETWORKS/net",
            "\(TestTemplates.group)/providers/Microsoft.Network/virtualNetworks/net",
            "[resourceId('Microsoft.Network/virtualNetworks', 'net')]",
            "[concat('Microsoft.Network/virtualNetworks/', 'net')]",
        ] {
            let run = try TestTemplates.run([
                "resources": [
                    TestTemplates.network("other", ["dependsOn": [.string(form)]]), TestTemplates.network("net"),
                ]
            ])
            #expect(run.order == [1, 0], "\(form)")
        }
    }

    @Test("order by reference too, and by what is nested in what")
    func implicit() throws {
        let run = try TestTemplates.run([
            "resources": [
                TestTemplates.network("b", ["properties": ["x": "[reference('a').y]"]]),
                TestTemplates.network(
                    "a",
                    ["resources": [["type": "subnets", "name": "s", "apiVersion": "1", "properties": [:]]]]
                ),
            ]
        ])
        #expect(run.resources.map(\.name) == ["b", "a", "a/s"])
        #expect(run.resources[2].path.description.hasSuffix("/virtualNetworks/a/subnets/s"))
        #expect(
            run.resources[0].needsRunning && run.resources[0].dependencies == [1]
                && run.resources[2].dependencies == [1]
        )
    }

    @Test("refuse circles, doubles, what is not there, and names that do not fit their type")
    func graph() {
        let circle: JSONValue = [
            TestTemplates.network("a", ["dependsOn": ["b"]]), TestTemplates.network("b", ["dependsOn": ["a"]]),
        ]
        #expect(self.sentence(["resources": circle]).contains("Circular dependency"))
        #expect(
            self.sentence(["resources": [TestTemplates.network("a"), TestTemplates.network("A")]]).contains(
                "defined multiple times"
            )
        )
        #expect(
            self.sentence(["resources": [TestTemplates.network("a", ["dependsOn": ["x"]])]]).contains(
                "'x' is not defined"
            )
        )
        #expect(self.sentence(["resources": [TestTemplates.network("a/b")]]).contains("segment lengths"))
        #expect(self.sentence(["resources": [["name": "a"]]]).contains("needs 'type'"))
        #expect(self.sentence(["resource": []]).contains("'resource' that is not known"))
        #expect(self.sentence(["resources": [TestTemplates.network("a", ["condition": "yes"])]]).contains("boolean"))
        #expect(
            self.sentence(["resources": [TestTemplates.network("a", ["copy": ["name": "l", "count": 801]])]]).contains(
                "0 to 800"
            )
        )
    }

    @Test("leave out what its condition says, without looking into it")
    func conditions() throws {
        let run = try TestTemplates.run([
            "resources": [
                TestTemplates.network("a", ["condition": false, "properties": ["x": "[parameters('nowhere')]"]]),
                TestTemplates.network("b", ["dependsOn": ["a"]]),
            ]
        ])
        #expect(run.resources.map(\.isWanted) == [false, true])
    }

    @Test("name role assignments below the resource they are for, as the command line does")
    func extensionNames() throws {
        let run = try TestTemplates.run([
            "resources": [
                [
                    "type": "Microsoft.Compute/virtualMachines/providers/roleAssignments", "apiVersion": "2015-07-01",
                    "name": "vm1/Microsoft.Authorization/0b8e3a4c-0000-4000-8000-000000000001",
                    "properties": [
                        "principalId": "[reference('/subscriptions/s/x/y', '2019-07-01', 'Full').identity.principalId]"
                    ],
                ]
            ]
        ])
        #expect(
            run.resources[0].path.description
                == "\(TestTemplates.group)/providers/Microsoft.Compute/virtualMachines/vm1/providers/Microsoft.Authorization/"
                + "roleAssignments/0b8e3a4c-0000-4000-8000-000000000001"
        )
        #expect(run.resources[0].needsRunning)
    }

    // MARK: Nested templates

    @Test("read a nested template with the outer names, unless it asks for its own")
    func nested() throws {
        func nested(_ options: JSONValue, _ inner: JSONValue) -> JSONValue {
            [
                "variables": ["v": "outer"],
                "resources": [
                    [
                        "type": "Microsoft.Resources/deployments", "apiVersion": "2024-11-01", "name": "inner",
                        "properties": [
                            "mode": "Incremental", "expressionEvaluationOptions": options, "parameters": inner,
                            "template": [
                                "contentVersion": "1.0.0.0",
                                "parameters": ["p": ["type": "string", "defaultValue": "d"]],
                                "variables": ["v": "inner"], "resources": [],
                                "outputs": ["o": ["type": "string", "value": "[variables('v')]"]],
                            ],
                        ],
                    ]
                ],
            ]
        }
        for (scope, wanted) in [("outer", "outer"), ("inner", "inner")] {
            var run = try TestTemplates.run(
                nested(["scope": .string(scope)], scope == "inner" ? ["p": ["value": "x"]] : [:])
            )
            var inner = try run.nested(run.resources[0], in: TestTemplates.surroundings, Evaluator.nothing)
            #expect(try inner.outputs(Evaluator.nothing)["o"]?.value?.string == wanted)
        }
    }

    // MARK: Bounds

    @Test("that ask for too much are refused in good time")
    func bounds() {
        let deep = "[" + String(repeating: "string(", count: 5000) + "1" + String(repeating: ")", count: 5000) + "]"
        #expect(
            TestTemplates.error(deep)?.sentence.contains("levels deep") == true
                || TestTemplates.error(deep)?.sentence.contains("longer") == true
        )
        #expect(
            TestTemplates.error("[concat('" + String(repeating: "a", count: 25_000) + "')]")?.sentence.contains("24576")
                == true
        )
        var doubling: [String: JSONValue] = ["v0": "0123456789"]
        for index in 1..<100 {
            let last = "variables('v\(index - 1)')"
            doubling["v\(index)"] = .string("[concat(\(last), \(last))]")
        }
        let text: JSONValue = [
            "variables": .object(doubling), "outputs": ["o": ["type": "string", "value": "[variables('v99')]"]],
        ]
        #expect(!self.sentence(text).isEmpty)
        for index in 1..<100 {
            let last = "variables('v\(index - 1)')"
            doubling["v\(index)"] = .string("[createArray(\(last), \(last))]")
        }
        let list: JSONValue = [
            "variables": .object(doubling),
            "outputs": ["o": ["type": "string", "value": "[string(variables('v60'))]"]],
        ]
        #expect(!self.sentence(list).isEmpty)
    }
}

public import Vocabulary

/// A resource of a template, once per turn of its loop, with its name and place worked out.
public struct PlannedResource: Sendable {
    /// The type of deployments in deployments.
    public static let deploymentType = "Microsoft.Resources/deployments"

    /// The type as written, that of a nested resource with the types of those around it.
    public let type: String
    /// The name, that of a nested resource with the names of those around it.
    public let name: String
    /// The identifier.
    public let path: ResourcePath
    /// The api-version as written.
    public let apiVersion: String
    /// The name by which other parts of the template call it, in templates that use such names.
    public let symbol: String?
    /// The region; nil when it names none.
    public let location: String?
    /// Where it stands in the template, for example `resources[1]`.
    public let place: String
    /// Whether it is deployed at all; its `condition`.
    public let isWanted: Bool
    /// Whether it is only referred to and was made by somebody else.
    public let isExisting: Bool
    /// Whether its body asks for something that is known only while it is deployed.
    public internal(set) var needsRunning = false
    /// The places in the plan of the resources that must be there before.
    public internal(set) var dependencies: [Int] = []

    let frame: Frame
    let document: JSONValue
    let loop: String?
    let turn: Int64
    /// How many turns of a serial loop go at a time; nil when all do.
    let batch: Int64?
    let dependsOn: [String]

    /// Whether it is a deployment in the deployment.
    public var isDeployment: Bool { self.type.lowercased() == Self.deploymentType.lowercased() }

    /// Whether a deployment in a deployment is read in its own scope instead of the outer one.
    var isInner: Bool {
        self.document.member("properties")?.member("expressionEvaluationOptions")?.member("scope")?.string?.lowercased()
            == "inner"
    }

    /// The parts of the resource that make its body, as written.
    var body: JSONValue {
        let language: Set<String> = [
            "type", "name", "apiversion", "dependson", "condition", "copy", "comments", "metadata", "resources",
            "existing", "import", "scope", "subscriptionid", "resourcegroup", "managementgroup",
        ]
        return .object((self.document.object ?? [:]).filter { !language.contains($0.key.lowercased()) })
    }

    /// A member of its `properties` as written: perhaps an expression.
    public func written(_ property: String) -> JSONValue? {
        self.document.member("properties")?.member(property)
    }

    /// Every word under which the template may name it, in lower case.
    var names: [String] {
        let type = self.type.lowercased()
        let name = self.name.lowercased()
        var names = [name, "\(type)/\(name)", self.path.key]
        let types = ResourceName.segments(type)
        let parts = ResourceName.segments(name)
        if parts.count > 1, types.count == parts.count + 1 {
            // Namespace/type/name/subtype/subname.
            names.append(types[0] + "/" + zip(types.dropFirst(), parts).map { "\($0)/\($1)" }.joined(separator: "/"))
        }
        if type == "microsoft.resources/resourcegroups", let above = self.path.parent {
            // What subscriptionResourceId() makes of it, though groups have an identifier of a form of their own.
            names.append("\(above.key)/providers/\(type)/\(name)")
        }
        if let symbol = self.symbol { names.append(symbol.lowercased()) }
        return names
    }
}

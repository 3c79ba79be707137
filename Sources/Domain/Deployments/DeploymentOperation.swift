public import Vocabulary

/// What became of one resource of a deployment. Source: Azure Resources REST, "Deployment Operations".
public struct DeploymentOperation: Sendable {
    /// Its identifier in the deployment.
    public let name: String
    /// Its place among the others.
    let number: Int
    /// The members of `properties`.
    var record: JSONValue

    /// Begins with a resource.
    init(_ number: Int, on path: ResourcePath?, type: String, at now: Instant, tracking: GUID) {
        self.number = number
        self.name = Hex.encode(tracking.bytes.prefix(8)).uppercased()
        self.record = [
            "provisioningOperation": path == nil ? "EvaluateDeploymentOutput" : "Create",
            "provisioningState": "Running",
            "timestamp": .string(now.description), "trackingId": .string(tracking.description),
            "startedAt": .integer(now.milliseconds),
        ]
        if let path {
            self.record["targetResource"] = [
                "id": .string(path.description), "resourceType": .string(type), "resourceName": .string(path.name),
            ]
        }
    }

    init(name: String, number: Int, record: JSONValue) {
        self.name = name
        self.number = number
        self.record = record
    }

    /// Says how it ended.
    mutating func end(_ problem: Problem?, isNew: Bool, at now: Instant) {
        let began = Instant(milliseconds: self.record["startedAt"]?.integer ?? now.milliseconds)
        self.record["provisioningState"] = problem == nil ? "Succeeded" : "Failed"
        self.record["timestamp"] = .string(now.description)
        self.record["duration"] = .string(DurationText.of(now - began))
        self.record["statusCode"] = problem == nil ? (isNew ? "Created" : "OK") : "BadRequest"
        if let problem {
            self.record["statusMessage"] = ["status": "Failed", "error": problem.document]
        }
    }

    /// The body that shows it.
    public func document(in deployment: ResourcePath) -> JSONValue {
        var properties = self.record
        properties["startedAt"] = nil
        return [
            "id": .string("\(deployment)/operations/\(self.name)"), "operationId": .string(self.name),
            "properties": properties,
        ]
    }
}

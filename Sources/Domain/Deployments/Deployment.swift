public import Vocabulary

/// A deployment of a template: what was asked for, how far it is, what came of it. Source: Azure Resources REST, "Deployments".
///
/// Holds no secret: secure values, and what only machines may know, are taken out of the template before it is kept.
public struct Deployment: Sendable {
    /// How far it is, in Azure's words.
    public enum State: String, Sendable {
        case accepted = "Accepted"
        case running = "Running"
        case succeeded = "Succeeded"
        case failed = "Failed"
        case canceled = "Canceled"

        /// Whether nothing happens any more.
        public var isOver: Bool { self == .succeeded || self == .failed || self == .canceled }
    }

    /// What happens to resources that the template does not name.
    public enum Mode: String, Sendable {
        case incremental = "Incremental"
        case complete = "Complete"
    }

    /// The resource type.
    public static let type = "Microsoft.Resources/deployments"

    /// Its identifier.
    public let path: ResourcePath
    /// Identifies this run of it; the name may be used again.
    public let run: GUID
    /// Who asked for it; nil for the system.
    public let owner: GUID?
    /// Joins what belongs together.
    public let correlation: String
    /// When it was asked for.
    public let startedAt: Instant
    /// The place of its record, for deployments above resource groups.
    public var location: String?
    /// The tags.
    public var tags: JSONValue?
    /// What happens to other resources.
    public var mode: Mode
    /// How far it is.
    public var state: State = .accepted
    /// When that was so.
    public var changedAt: Instant
    /// The template as it may be shown.
    public var template: JSONValue
    /// The number of the template.
    public var templateHash: String
    /// The parameters as they may be shown.
    public var parameters: JSONValue
    /// What the template said about itself in the end.
    public var outputs: JSONValue?
    /// The types that it is about, by namespace.
    public var providers: JSONValue = []
    /// What depends on what.
    public var dependencies: JSONValue = []
    /// What it made or changed.
    public var outputResources: [ResourcePath] = []
    /// Why it failed.
    public var error: JSONValue?

    /// The body that answers a GET.
    public var document: JSONValue {
        var properties: JSONValue = [
            "templateHash": .string(self.templateHash), "parameters": self.parameters,
            "mode": .string(self.mode.rawValue),
            "provisioningState": .string(self.state.rawValue), "timestamp": .string(self.changedAt.description),
            "duration": .string(DurationText.of(self.changedAt - self.startedAt)),
            "correlationId": .string(self.correlation), "providers": self.providers, "dependencies": self.dependencies,
        ]
        if self.state.isOver {
            properties["outputs"] = OutputNames.shown(self.outputs ?? [:])
            properties["outputResources"] = .array(
                self.outputResources.map { ["id": .string($0.description)] as JSONValue }
            )
        }
        properties["error"] = self.error
        var document: JSONValue = [
            "id": .string(self.path.description), "name": .string(self.path.name), "type": .string(Self.type),
            "properties": properties,
        ]
        document["location"] = self.location.map { .string($0) }
        document["tags"] = self.tags
        return document
    }

    /// The body that answers somebody who watches it.
    public var status: JSONValue {
        var status: JSONValue = ["status": .string(self.state.rawValue)]
        status["error"] = self.error
        return status
    }

    /// Where it was deployed to.
    public var scope: ResourcePath { self.path.parent ?? .root }
}

/// Durations as Azure writes them, for example `PT12.25S`. Source: ISO 8601-1 section 5.5.2.
enum DurationText {
    static func of(_ duration: Duration) -> String {
        let milliseconds = max(0, duration.milliseconds)
        let rest = milliseconds % 60_000
        let minutes = milliseconds / 60_000
        var text = "PT"
        if minutes >= 60 { text += "\(minutes / 60)H" }
        if minutes % 60 > 0 { text += "\(minutes % 60)M" }
        let thousandths = String(rest % 1000)
        return text + "\(rest / 1000)." + String(repeating: "0", count: 3 - thousandths.count) + thousandths + "S"
    }
}

extension Problem {
    /// The problem in the form in which it stands in documents.
    var document: JSONValue {
        var document: JSONValue = ["code": .string(self.code), "message": .string(self.shown)]
        document["target"] = self.target.map { .string($0) }
        if !self.details.isEmpty { document["details"] = .array(self.details.map(\.document)) }
        return document
    }
}

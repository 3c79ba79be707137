import AccessControl
import Resources
import TemplateLanguage
public import Vocabulary

/// What is told about deployments, to those who may know it.
extension Deployments {
    /// A deployment.
    public func get(_ path: ResourcePath, for subject: Subject) async throws(Problem) -> Deployment {
        _ = try self.place(of: path)
        try self.resources.require(.read(Deployment.type), at: path, for: subject)
        return try await self.existing(path)
    }

    /// The deployments to a scope itself, the newest first.
    public func list(in scope: ResourcePath, for subject: Subject) async throws(Problem) -> [Deployment] {
        try self.resources.require(.read(Deployment.type), at: scope, for: subject)
        do {
            return try await self.stored(in: scope).map { self.active($0.path)?.deployment ?? $0 }
        } catch {
            throw .storeFailed(error)
        }
    }

    /// What became of the resources of a deployment, in the order in which they were begun.
    public func operations(of path: ResourcePath, for subject: Subject) async throws(Problem) -> [DeploymentOperation] {
        _ = try self.place(of: path)
        try self.resources.require(.read("\(Deployment.type)/operations"), at: path, for: subject)
        if let active = self.active(path) { return active.operations }
        let deployment = try await self.existing(path)
        do {
            return try await self.storedOperations(of: deployment.path)
        } catch {
            throw .storeFailed(error)
        }
    }

    /// How far a run of a deployment is: for who began it, and for those who may read it.
    public func status(of path: ResourcePath, run: GUID, for subject: Subject) async throws(Problem) -> Deployment {
        let found = try await self.find(path)
        guard let found, found.run == run else {
            try self.resources.require(.read("\(Deployment.type)/operationStatuses"), at: path, for: subject)
            throw Problem("OperationNotFound", shown: "The operation '\(run)' could not be found.")
        }
        if found.owner != subject.id {
            try self.resources.require(.read("\(Deployment.type)/operationStatuses"), at: path, for: subject)
        }
        return found
    }

    /// The template of a deployment as it was kept.
    public func template(of path: ResourcePath, for subject: Subject) async throws(Problem) -> JSONValue {
        _ = try self.place(of: path)
        try self.resources.require(.post("exportTemplate", of: Deployment.type), at: path, for: subject)
        return try await self.existing(path).template
    }

    /// The number of a template, and the template in its shortest form.
    public static func hash(of template: JSONValue) throws(Problem) -> (hash: String, text: String) {
        do throws(TemplateError) {
            return (try Template(reading: template).hash, template.text)
        } catch {
            throw error.problem
        }
    }
}

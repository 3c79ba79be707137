import Audit
import Resources
import TemplateLanguage
import Vocabulary

/// Templates that the Azure CLI writes itself, for `az vm create` and its like.
///
/// Azure CLI 2.91 ends with a traceback when such a deployment is refused at once: it reads the answer's body a second time (its issue
/// 34083). It prints what a deployment says that was accepted and then failed, so these are refused that way.
extension Deployments {
    private static let beginnings = ["vm_deploy_", "vmss_deploy_", "av_set_deploy_", "lb_deploy_"]

    /// Whether a deployment bears a name of those that the commands make up: a word and 32 letters and digits.
    static func isOfCommand(_ name: String) -> Bool {
        self.beginnings.contains { beginning in
            guard name.hasPrefix(beginning) else { return false }
            let rest = name.utf8.dropFirst(beginning.utf8.count)
            return rest.count == 32
                && rest.allSatisfy { Character(UnicodeScalar($0)).isLetter || (48...57).contains($0) }
        }
    }

    /// Keeps a deployment that failed before it began; returns it as accepted, and that its name is new.
    func fail(_ path: ResourcePath, _ request: DeploymentRequest, _ problem: Problem, by author: ChangeAuthor)
        async throws(Problem) -> (Deployment, created: Bool)
    {
        let accepted = Deployment(
            path: path,
            run: GUID(from: self.random),
            owner: author.subject?.id,
            correlation: author.correlation,
            startedAt: self.clock.now,
            location: request.location,
            tags: request.tags,
            mode: request.mode,
            changedAt: self.clock.now,
            template: KeptTemplate.of(request.template.document),
            templateHash: request.template.hash,
            // Which of them are secret is known only of a template that could be planned.
            parameters: [:]
        )
        var failed = accepted
        failed.state = .failed
        failed.error = problem.document
        do {
            let isNew = try await self.find(path) == nil
            try await self.keep(failed, isNew: true)
            try await self.audit.record(self.event("deployment.write", failed, author))
            return (accepted, isNew)
        } catch {
            throw .storeFailed(error)
        }
    }
}

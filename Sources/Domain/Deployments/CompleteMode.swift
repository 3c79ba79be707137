import Resources
import TemplateLanguage
import Vocabulary

/// Mode Complete: the group ends up with what the template names and nothing else.
extension Deployments {
    /// Removes everything in the group that the template does not name. Source: Azure Resource Manager,
    /// "Deployment modes".
    func removeOthers(in group: ResourcePath, besides run: TemplateRun, by author: ChangeAuthor) async
        -> [Problem]
    {
        var left = self.others(in: group, besides: run)
        // What is in use by another one goes after it; each round removes at least one.
        while !left.isEmpty {
            var refused: [(ResourcePath, Problem)] = []
            for path in left {
                do throws(Problem) {
                    let author = try await self.renewed(author)
                    if case .started(let operation) = try await self.resources.delete(path, by: author),
                        let problem = await self.resources.outcome(of: operation)
                    {
                        throw problem
                    }
                } catch {
                    refused.append((path, error))
                }
            }
            guard refused.count < left.count else { return refused.map(\.1) }
            left = refused.map(\.0)
        }
        return []
    }

    /// The resources of a group, without those that stand below another one, that a template does not name.
    func others(in group: ResourcePath, besides run: TemplateRun) -> [ResourcePath] {
        let named = Set(run.resources.filter { $0.isWanted && !$0.isExisting }.map(\.path.key))
        return self.resources.list(below: group).map(\.path).filter { path in
            path.segments.count == group.segments.count + 4 && !named.contains(path.key)
        }
    }
}

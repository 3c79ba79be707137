import Fabric
import NamespaceFabric
import Vocabulary

extension ServerConfiguration {
    /// What makes machines here, as the setting says: with `auto`, the service of this data directory if it answers
    /// now or has made something before: machines are not forgotten because their service starts a moment later than the server.
    func makeFabric() async -> any Fabric {
        switch self.fabric {
        case "namespaces": break
        case "auto" where FabricConnection.isExpected(for: self.dataDirectory): break
        default: return NoFabric()
        }
        let fabric = FabricConnection(data: self.dataDirectory)
        // One that is away for a moment is waited for by its `run`.
        try? await fabric.refresh()
        return fabric
    }
}

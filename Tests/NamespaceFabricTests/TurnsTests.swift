import Testing
import Vocabulary

@testable import NamespaceFabric

@Suite("Turns") struct TurnsTests {
    @Test("are forgotten once nobody has them or waits") func forgotten() throws {
        let turns = Turns()
        let path = ResourcePath.root.appending("virtualNetworks", "red")
        let during = try turns.take(path) { () throws(FabricError) in turns.count }
        #expect(during == 1)
        #expect(turns.count == 0)
        #expect(throws: FabricError.self) {
            try turns.take(path) { () throws(FabricError) in throw .late("") }
        }
        #expect(turns.count == 0)
    }
}

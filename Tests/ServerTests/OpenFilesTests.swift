import Testing

@testable import Server

@Suite("Open files")
struct OpenFilesTests {
    @Test(
        "as many connections fit as have two sockets each besides the reserve",
        arguments: [
            (1_048_576, 10_000), (20_256, 10_000), (20_254, 9_999), (1024, 384), (300, 22), (100, 16),
        ]
    )
    func fitting(files: Int, connections: Int) {
        #expect(OpenFiles.connections(fitting: files, most: 10_000) == connections)
    }

    @Test("raising twice gives the same limit")
    func raises() {
        let limit = OpenFiles.raise()
        #expect(limit > 0 && OpenFiles.raise() == limit)
    }
}

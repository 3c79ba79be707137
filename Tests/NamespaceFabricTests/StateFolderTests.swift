import Testing

@testable import NamespaceFabric

@Suite("The place of the service's own words") struct StateFolderTests {
    @Test("is the data directory when that is root's") func ofRoot() {
        #expect(StateFolder.choose(nil, data: "/srv/data", isRoots: true) == "/srv/data/fabric")
    }

    @Test("is never in a data directory that somebody else owns") func ofServer() {
        #expect(StateFolder.choose(nil, data: "/srv//data/", isRoots: false) == "/var/lib/sallyport-fabric/srv/data")
        #expect(StateFolder.choose(nil, data: "data", isRoots: false) == nil)
        #expect(StateFolder.choose(nil, data: "/srv/../etc", isRoots: false) == nil)
    }

    @Test("is what the setting names") func chosen() {
        #expect(StateFolder.choose("/opt/state", data: "/srv/data", isRoots: false) == "/opt/state")
    }

    @Test("is refused when a folder above it is not root's alone") func above() {
        #expect(StateFolder.weakLink(of: "/a/b/c") { $0 != "/a/b" } == "/a/b")
        #expect(StateFolder.weakLink(of: "/a/b/c") { $0 != "/" } == "/")
        #expect(StateFolder.weakLink(of: "/a/b/c") { _ in true } == nil)
    }
}

import Testing

@testable import Federation

@Suite("Redirect addresses")
struct RedirectURITests {
    @Test(
        "accepts any port on this computer",
        arguments: ["http://localhost:1", "http://localhost", "http://localhost:65535/"]
    )
    func loopback(text: String) throws {
        let registered = try #require(RedirectURI("http://localhost"))
        let address = try #require(RedirectURI(text))
        #expect(address.matches(registered))
    }

    @Test(
        "does not take another address for the registered one",
        arguments: [
            "http://localhost/path", "http://127.0.0.1", "https://localhost", "http://localhost?x=1",
            "https://app.example/other", "https://app.example:444/cb", "https://app.example/CB",
        ]
    )
    func mismatch(text: String) throws {
        let address = try #require(RedirectURI(text))
        for registered in ["http://localhost", "https://app.example/cb"] {
            #expect(!address.matches(try #require(RedirectURI(registered))))
        }
    }

    @Test(
        "refuses what is not plainly an address",
        arguments: [
            "", "//evil.example", "javascript:alert(1)", "http://evil.example", "https://", "https://user@app.example/",
            "https://localhost@evil.example", "https://app.example/#f", "https://app.example/\u{0}",
            "https://app.example/ x",
            "https://app.example/\"onload=", "https://app.example:0/", "https://app.example:99999/", "https://[::1]/",
            "HTTPS://app.example/", "https://app.example;script-src", "http://localhost.evil.example",
            "http://localhost:80:80", "https://APP.example/", "https://ex\u{e4}mple/", "http:\\\\localhost",
            "https://a/\\b",
        ]
    )
    func refused(text: String) {
        #expect(RedirectURI(text) == nil)
    }

    @Test("adds parameters to the query or as the fragment")
    func parameters() throws {
        let address = try #require(RedirectURI("https://app.example/cb?a=1"))
        #expect(address.adding([("s", "a&b=c d")], asFragment: false) == "https://app.example/cb?a=1&s=a%26b%3Dc%20d")
        #expect(address.adding([("s", "x")], asFragment: true) == "https://app.example/cb?a=1#s=x")
        let bare = try #require(RedirectURI("http://localhost:5"))
        #expect(bare.adding([("s", "x")], asFragment: false) == "http://localhost:5/?s=x")
    }
}

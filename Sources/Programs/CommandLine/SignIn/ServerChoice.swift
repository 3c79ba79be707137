import Client
import Vocabulary

/// The server that a command is about: what was given, or the environment says, or was used last.
struct ServerChoice {
    /// Its address, without a slash at the end.
    let base: String
    /// The PEM file with the authority to trust; nil for the system's.
    let authorityFile: String?

    /// Throws NoServer when nothing names one, and what `WebAddress` finds wrong with its address.
    init(url given: String?, authorityFile: String?, _ state: StateDirectory) throws {
        let last = try? state.read(Account.self, from: Account.file)
        guard let url = given ?? Context.environment["SALLYPORT_URL"] ?? last?.url else {
            throw Problem("NoServer", shown: "Which server? Give --url https://… or set SALLYPORT_URL.")
        }
        var base = url
        while base.hasSuffix("/") { base.removeLast() }
        _ = try WebAddress(base)
        let trusted =
            authorityFile ?? Context.environment["SALLYPORT_CA"] ?? (last?.url == base ? last?.authorityFile : nil)
        self.base = base
        self.authorityFile = trusted.map(StateDirectory.absolute)
    }

    /// An account at this server that is still to be filled in.
    func account(_ kind: Account.Kind, _ name: String) -> Account {
        Account(url: self.base, authorityFile: self.authorityFile, tenantID: .zero, kind: kind, name: name)
    }
}

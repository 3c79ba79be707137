import Client
import FoundationEssentials
import Vocabulary

/// What most commands need: the signed-in account, its resource API and its subscription.
struct Context {
    let state: StateDirectory
    let signedIn: SignedIn
    let resources: ResourceManager
    let account: Account

    /// Loads the account; throws `NotSignedIn`.
    init() async throws {
        self.state = try StateDirectory(environment: ProcessInfo.processInfo.environment)
        self.signedIn = try SignedIn(state: self.state)
        self.resources = ResourceManager(self.signedIn)
        self.account = await self.signedIn.current
    }

    /// The subscription in use.
    func subscription() throws -> GUID {
        guard let subscription = self.account.subscription else {
            throw Problem(
                "NoSubscription",
                shown: "You may see no subscription. Ask for a role, then run 'sally login' again."
            )
        }
        return subscription
    }

    /// Finds machines in the subscription in use.
    func finder() throws -> MachineFinder {
        MachineFinder(self.resources, subscription: try self.subscription())
    }

    /// Everything the environment says.
    static var environment: [String: String] { ProcessInfo.processInfo.environment }
}

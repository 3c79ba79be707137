import ArgumentParser
import Client
import Vocabulary

/// `sally account`.
struct AccountCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account",
        abstract: "The account that is signed in.",
        subcommands: [Show.self, List.self, SetSubscription.self, GetAccessToken.self]
    )

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the account and subscription in use.")
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let context = try await Context()
            Output.show(AccountDocument.current(context.account), as: self.output, columns: AccountDocument.columns)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the subscriptions of the account.")
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let context = try await Context()
            Output.show(AccountDocument.list(context.account), as: self.output, columns: AccountDocument.columns)
        }
    }

    struct SetSubscription: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "set", abstract: "Choose the subscription.")
        @Option(
            name: [.customShort("s"), .customLong("subscription"), .customShort("n"), .customLong("name")],
            help: "Name or id."
        )
        var subscription: String

        func run() async throws {
            let context = try await Context()
            let wanted = self.subscription.lowercased()
            guard
                let match = context.account.subscriptions
                    .first(where: { $0.id.description == wanted || $0.name.lowercased() == wanted })
            else {
                throw Problem(
                    "SubscriptionNotFound",
                    shown: "There is no subscription '\(PrintableText.of(self.subscription))' that you may see."
                )
            }
            try await context.signedIn.update { $0.subscription = match.id }
        }
    }

    struct GetAccessToken: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "get-access-token",
            abstract: "Print a token for the resource API, for other programs."
        )
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let context = try await Context()
            let token = try await context.signedIn.resourceManagerToken()
            let document: JSONValue = [
                "accessToken": .string(token.token), "expires_on": .integer(token.expiresAt.seconds),
                "expiresOn": .string(token.expiresAt.description),
                "tenant": .string(context.account.tenantID.description),
                "subscription": .string(context.account.subscription?.description ?? ""), "tokenType": "Bearer",
            ]
            Output.show(
                document,
                as: self.output,
                columns: [("AccessToken", ["accessToken"]), ("ExpiresOn", ["expiresOn"])]
            )
        }
    }
}

import Client
import Vocabulary

/// Signs in with a code that is typed on another device. Source: RFC 8628.
struct DeviceSignIn {
    let tokens: TokenClient

    /// Prints the message and waits until the code was used, refused or too old.
    func run(authority: String, scope: String) async throws -> TokenClient.Tokens {
        let answer = try await self.tokens.deviceCode(authority: authority, scope: scope)
        guard let code = answer["device_code"]?.string, let message = answer["message"]?.string else {
            throw Problem("BadAnswer", shown: "The server's device answer is incomplete.")
        }
        Output.note(PrintableText.of(message, limit: 1000))
        var interval = min(max(answer["interval"]?.integer ?? 5, 1), 60)
        let end = TimeSource.system.now + .seconds(answer["expires_in"]?.integer ?? 900)
        while TimeSource.system.now < end {
            try await Task.sleep(for: .seconds(interval))
            do {
                return try await self.tokens.tokens(
                    authority: authority,
                    form: [
                        ("client_id", TokenClient.clientID), ("device_code", code), ("client_info", "1"),
                        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                    ]
                )
            } catch let problem as Problem where problem.code == "authorization_pending" {
                continue
            } catch let problem as Problem where problem.code == "slow_down" {
                interval += 5
            }
        }
        throw Problem("expired_token", shown: "The code is too old. Run 'sally login --use-device-code' again.")
    }
}

import Identity
public import Vocabulary

/// Signing in a program that has no browser. Source: RFC 8628.
extension Federation {
    /// Codes for a program that has no browser.
    public struct DeviceAuthorization: Sendable {
        /// What the person types: nine letters and digits.
        public let userCode: String
        /// What the program polls with.
        public let deviceCode: Secret<String>
        /// Where the person types it.
        public let verificationURI: String
        /// How long the codes last, and how long to wait between polls, in seconds.
        public let expiresIn, interval: Int64

        /// The JSON body; version 1 writes numbers as strings and names the address differently.
        public func document(version: EndpointVersion) -> JSONValue {
            func number(_ value: Int64) -> JSONValue { version == .v1 ? .string(String(value)) : .integer(value) }
            return [
                "user_code": .string(self.userCode),
                "device_code": .string(self.deviceCode.withValue { $0 }),
                version == .v1 ? "verification_url" : "verification_uri": .string(self.verificationURI),
                "expires_in": number(self.expiresIn),
                "interval": number(self.interval),
                "message": .string(
                    "To sign in, use a web browser to open the page \(self.verificationURI) and enter the code "
                        + "\(self.userCode) to authenticate."
                ),
            ]
        }
    }

    /// Answers a request at the device authorization endpoint. Throws the refusal.
    public func authorizeDevice(
        fields: [String: String],
        tenant: String,
        version: EndpointVersion,
        circumstances: Circumstances
    ) async throws(OAuthError) -> DeviceAuthorization {
        do {
            try await self.removeExpiredNowAndThen()
            _ = try self.tenantWord(tenant)
            guard let name = fields["client_id"], !name.isEmpty else { throw OAuthError.missing("client_id") }
            guard let client = GUID(name), let application = try await self.directory.application(client) else {
                throw OAuthError.unknownClient(name)
            }
            guard application.isPublic else { throw OAuthError.credentialMissing }
            let wish = DeviceCodes.Wish(
                client: client,
                scope: version == .v2 ? fields["scope"] : nil,
                resource: version == .v1 ? fields["resource"] : nil,
                source: PrintableText.of(circumstances.source, limit: 64)
            )
            try self.check(wish, version: version)
            if let seconds = try await self.limits.take([.start(from: circumstances.source)]) {
                throw OAuthError.throttled(seconds: seconds)
            }
            let started = try await self.deviceCodes.start(wish)
            return DeviceAuthorization(
                userCode: started.userCode,
                deviceCode: started.deviceCode,
                verificationURI: self.origin.loginBase + "/device",
                expiresIn: DeviceCodes.lifetime.milliseconds / 1000,
                interval: DeviceCodes.interval
            )
        } catch let error as OAuthError {
            throw error
        } catch {
            throw .trouble("\(error)")
        }
    }

    private func check(_ wish: DeviceCodes.Wish, version: EndpointVersion) throws(OAuthError) {
        if let resource = wish.resource {
            _ = try ScopeRequest(resource: resource, origin: self.origin)
        } else if let scope = wish.scope {
            _ = try ScopeRequest(scope: scope, origin: self.origin).single
        } else {
            throw .missing(version == .v1 ? "resource" : "scope")
        }
    }

    /// The page that asks for a code.
    public func devicePage(browser: String?, circumstances: Circumstances) async -> BrowserReply {
        await self.answering(browser) {
            let (flow, fresh) = try await self.open(.deviceEntry, browser: browser, circumstances)
            return (.page(.deviceCode(flow: flow, message: nil), status: 200), fresh)
        }
    }

    /// Somebody typed a code.
    func enter(
        _ code: String,
        _ pass: SignInPass,
        _ circumstances: Circumstances
    ) async throws -> (BrowserOutcome, String?) {
        let keys = [AttemptLimits.Key.userCode(from: circumstances.source)]
        if let seconds = try await self.limits.take(keys) { throw OAuthError.throttled(seconds: seconds) }
        guard code.utf8.count <= 64, let pending = try await self.deviceCodes.pending(userCode: code) else {
            let message = "That code is not right, or it has expired. Codes have nine letters and digits."
            return (.page(.deviceCode(flow: pass.token, message: message), status: 200), nil)
        }
        try await self.limits.giveBack(keys)
        let flow = SignInFlow(purpose: .device(id: pending.id, client: pending.client, source: pending.source))
        try await self.flows.update(pass.token, flow)
        let accounts = try await self.accounts(browser: pass.browser)
        if accounts.isEmpty {
            let next = SignInPass(flow: flow, token: pass.token, browser: pass.browser)
            return (.page(try await self.credentialsPage(next, name: ""), status: 200), nil)
        }
        let page = SignInPage.AccountsPage(
            flow: pass.token,
            application: try await self.applicationName(pending.client),
            accounts: accounts,
            target: nil
        )
        return (.page(.accounts(page), status: 200), nil)
    }

    /// Somebody said yes, having been told which program, from where and as whom (RFC 8628 section 5.4).
    func confirmDevice(
        _ id: String,
        client: GUID,
        _ pass: SignInPass,
        _ circumstances: Circumstances
    ) async throws -> (BrowserOutcome, String?) {
        guard let authentication = pass.flow.chosen else { throw OAuthError.flowExpired }
        let user = try await self.user(behind: authentication)
        guard try await self.flows.end(pass.token), try await self.deviceCodes.answer(id, authentication) else {
            throw OAuthError.flowExpired
        }
        try await self.record(
            "deviceCode.approve",
            actor: user.id,
            name: user.userPrincipalName,
            target: client.description,
            circumstances
        )
        let text = "You have signed in to \(try await self.applicationName(client)). You may close this window."
        return (.page(.done(title: "Signed in", text: text), status: 200), nil)
    }

    /// Somebody said no.
    func declineDevice(
        _ id: String,
        client: GUID,
        token: String,
        _ circumstances: Circumstances
    ) async throws -> (BrowserOutcome, String?) {
        guard try await self.flows.end(token) else { throw OAuthError.flowExpired }
        _ = try await self.deviceCodes.answer(id, nil)
        try await self.record(
            "deviceCode.decline",
            actor: nil,
            name: "",
            target: client.description,
            circumstances
        )
        return (
            .page(
                .done(title: "Not signed in", text: "The request was refused. You may close this window."),
                status: 200
            ), nil
        )
    }
}

import AgentWire
import SSHAuthority
import SSHWire
import Vocabulary

extension Hosts {
    /// Tells a connected host how to serve its people. Throws `StorageError` when its certificate cannot be recorded.
    func pushConfiguration(to id: GUID) async throws {
        guard let live = self.live(id), let machine = self.registry.machines.machine(live.host.machine) else { return }
        let report = live.status.map { HostReport($0) } ?? self.registry.host(id)?.report ?? live.host.report
        let list = self.authority.revocationList().bytes
        let configuration = HostConfiguration(
            caKeys: self.authority.trustedUserAuthorities().map { $0.line() },
            revocationList: Base64.encode(list),
            hostCertificates: try await self.certificates(for: machine, keys: report.hostKeys),
            hostCertificateAuthorities: self.authority.trustedHostAuthorities().map { $0.line() },
            loginEnabled: self.registry.isSignInWanted(on: machine.path),
            adminsSudo: self.settings.adminsSudo,
            cutAtExpiry: self.settings.cutAtExpiry,
            decisionCacheSeconds: Int(self.settings.decisionCache.components.seconds),
            relayNetworks: self.settings.relayNetworks,
            compute: machine.compute,
            publicAddresses: machine.publicAddresses
        )
        self.send(.configuration(configuration), to: id)
    }

    /// Tells a connected host who may log in, unless it knows already. Throws `StorageError`.
    func pushAccounts(to id: GUID) async throws {
        guard let live = self.live(id) else { return }
        let accounts = try await self.judge.accounts(on: live.host.machine, limit: self.settings.mostAccounts)
        let isNew = self.update(id, number: live.number) { live in
            guard live.accounts != accounts else { return false }
            live.accounts = accounts
            return true
        }
        if isNew == true { self.send(.accounts(accounts), to: id) }
    }

    /// The host's certificates: those it has while they are good for long enough, else new ones.
    private func certificates(for machine: Machine, keys: [String]) async throws -> [String] {
        let principals = machine.principals
        let signing = self.authority.trustedHostAuthorities().first
        if let known = self.certificates(of: machine.path), known.keys == keys, known.principals == principals,
            known.authority == signing, known.validBefore - self.clock.now > self.settings.renewal
        {
            return known.lines
        }
        var lines: [String] = []
        var end = Instant(seconds: .max / 1000)
        for line in keys {
            guard let key = try? SSHPublicKey(line: line) else { continue }
            do {
                let issued = try await self.authority.issueHostCertificate(
                    publicKey: key,
                    principals: principals,
                    host: machine.path
                )
                lines.append(issued.line)
                end = min(end, issued.validBefore)
            } catch is Problem {
                // A key that may not be certified, too short for example: the host keeps it without a certificate.
                continue
            }
        }
        let made = HostCertificates(
            keys: keys,
            principals: principals,
            authority: signing,
            lines: lines,
            validBefore: end
        )
        self.keep(made, of: machine.path)
        return lines
    }

    /// Whether a host's certificates are due, or made for other keys than it has.
    func needsCertificates(_ host: Host, keys: [String]) -> Bool {
        guard let known = self.certificates(of: host.machine) else { return true }
        return known.keys != keys || known.validBefore - self.clock.now <= self.settings.renewal
    }
}

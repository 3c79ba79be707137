import AccessControl
import Audit
import Deployments
import Federation
import Hosts
import Identity
import Keys
import Passwords
import Resources
import SQLiteStorage
import SSHAuthority
import Sessions
import Vocabulary

/// What every service of a house stands on, and how each is made of it, with the settings that concern it.
struct Groundwork {
    let configuration: ServerConfiguration
    let tenant: Tenant
    let database: SQLiteDatabase
    let audit: AuditLog
    let clock: TimeSource
    let random: RandomSource

    func signingKeys(_ sealing: SealingKey) -> SigningKeys {
        SigningKeys(
            database: self.database,
            audit: self.audit,
            clock: self.clock,
            random: self.random,
            sealing: sealing
        )
    }

    func authorityKeys(_ sealing: SealingKey) -> SSHCAKeys {
        let keyType: SSHCAKeys.KeyType =
            switch self.configuration.sshCAType {
            case "ecdsa-p256": .ecdsaP256
            case "rsa-3072": .rsa3072
            default: .ed25519
            }
        return SSHCAKeys(
            database: self.database,
            audit: self.audit,
            clock: self.clock,
            random: self.random,
            sealing: sealing,
            keyType: keyType
        )
    }

    func directory() -> Directory {
        Directory(
            tenant: self.tenant,
            database: self.database,
            audit: self.audit,
            clock: self.clock,
            random: self.random,
            passwords: PasswordHasher()
        )
    }

    func accessControl() -> AccessControl {
        AccessControl(
            database: self.database,
            audit: self.audit,
            clock: self.clock,
            random: self.random,
            tenant: self.tenant.id,
            policy: self.configuration.assignmentPolicy
        )
    }

    func federation(_ directory: Directory, _ keys: SigningKeys, _ origin: ServiceOrigin) -> Federation {
        Federation(
            directory: directory,
            keys: keys,
            database: self.database,
            audit: self.audit,
            clock: self.clock,
            random: self.random,
            origin: origin
        )
    }

    func authority(_ directory: Directory, _ accessControl: AccessControl, _ keys: SSHCAKeys) -> SSHAuthority {
        SSHAuthority(
            directory: directory,
            accessControl: accessControl,
            keys: keys,
            database: self.database,
            audit: self.audit,
            clock: self.clock,
            random: self.random,
            policy: IssuancePolicy(
                userLifetime: self.configuration.certificateLife,
                longestUserLifetime: self.configuration.longestCertificateLife
            )
        )
    }

    func resources(_ accessControl: AccessControl, _ networks: WiredNetworks) -> Resources {
        let dataPlane = String(self.configuration.publicURL.dropFirst("https://".count))
        var settings = ResourceSettings(
            tenantID: self.tenant.id,
            tenantName: self.tenant.displayName,
            domains: self.tenant.domains
        ) { _ in dataPlane }
        settings.publicAddresses = self.configuration.publicAddresses.compactMap { AddressPrefix($0) }
        settings.isWired = { networks.contains($0) && !WiredNetworks.isOwn($1) }
        settings.isDeclared = { networks.contains($0) }
        return Resources(
            settings: settings,
            accessControl: accessControl,
            database: self.database,
            audit: self.audit,
            clock: self.clock,
            random: self.random
        )
    }

    func registry(_ resources: Resources) -> HostRegistry {
        HostRegistry(
            machines: Machines(resources),
            database: self.database,
            audit: self.audit,
            clock: self.clock,
            random: self.random
        )
    }

    func hosts(
        _ registry: HostRegistry,
        _ directory: Directory,
        _ accessControl: AccessControl,
        _ authority: SSHAuthority
    ) -> Hosts {
        var settings = HostSettings()
        settings.arrivalWait = .seconds(15)
        settings.cutAtExpiry = self.configuration.cutAtExpiry
        settings.decisionCache = self.configuration.decisionCache
        settings.relayNetworks = self.configuration.relayNetworks
        return Hosts(
            registry: registry,
            directory: directory,
            accessControl: accessControl,
            authority: authority,
            audit: self.audit,
            clock: self.clock,
            settings: settings
        )
    }

    func deployments(_ resources: Resources, _ accessControl: AccessControl, _ directory: Directory) -> Deployments {
        Deployments(
            resources: resources,
            accessControl: accessControl,
            database: self.database,
            audit: self.audit,
            clock: self.clock,
            random: self.random,
            hooks: House.deploymentHooks(directory)
        )
    }

    func sessions(_ accessControl: AccessControl, _ judge: ConnectionJudge) -> Sessions {
        Sessions(
            judge: judge,
            accessControl: accessControl,
            audit: self.audit,
            clock: self.clock,
            random: self.random
        )
    }
}

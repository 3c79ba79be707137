/// Where everything lies on a host. A test gives it another root.
public struct HostLayout: Hashable, Sendable {
    /// What stands in front of every path: empty on a real host.
    public let root: String

    /// Makes a layout under a root without a slash at the end.
    public init(root: String = "") {
        self.root = root
    }

    /// Puts the root in front of a path of the host.
    func path(_ path: String) -> String { self.root + path }

    /// The agent's configuration directory.
    var configurationDirectory: String { self.path("/etc/sallyport") }
    /// The agent's configuration.
    var configurationFile: String { self.path("/etc/sallyport/agent.json") }
    /// The certificate authorities that the server's certificate is checked against, when not the host's own.
    var serverAuthorities: String { self.path("/etc/sallyport/server-ca.pem") }
    /// The keys that user certificates are signed with.
    var caKeysFile: String { self.path("/etc/sallyport/user_ca_keys") }
    /// The revocation list.
    var revocationFile: String { self.path("/etc/sallyport/revoked_keys") }
    /// Whose certificates open an account: a file for each.
    var principalsDirectory: String { self.path("/etc/sallyport/principals") }

    /// State that anybody may read.
    var stateDirectory: String { self.path("/var/lib/sallyport") }
    /// State that only root may read.
    var privateDirectory: String { self.path("/var/lib/sallyport/private") }
    /// Everybody known, for the name service module while the agent is down.
    var snapshotFile: String { self.path("/var/lib/sallyport/accounts.snapshot") }
    /// The host's own key.
    var machineKeyFile: String { self.path("/var/lib/sallyport/private/machine.key") }
    /// What the server told last.
    var knowledgeFile: String { self.path("/var/lib/sallyport/private/knowledge.json") }
    /// Held by the agent that runs.
    var lockFile: String { self.path("/var/lib/sallyport/private/agent.lock") }
    /// The sessions that run.
    var sessionsFile: String { self.path("/var/lib/sallyport/private/sessions.json") }
    /// What the host's files were before the agent changed them.
    var originalsFile: String { self.path("/var/lib/sallyport/private/originals.json") }

    /// Where the modules reach the agent.
    var socketDirectory: String { self.path("/run/sallyport") }
    /// The socket in it.
    var socketFile: String { self.path("/run/sallyport/agent.sock") }

    /// There while the loopback interface has the metadata service's address because of the agent.
    var metadataMark: String { self.path("/run/sallyport/metadata-address") }

    /// Where the SDKs look for the secrets that a machine outside the cloud is asked for.
    var challengeDirectory: String { self.path("/var/opt/azcmagent/tokens") }
    /// Where login shells learn of the metadata service.
    var identityProfile: String { self.path("/etc/profile.d/sallyport-identity.sh") }
    /// Where systemd learns of it.
    var identityUnitDefaults: String { self.path("/etc/systemd/system.conf.d/sallyport-identity.conf") }

    /// Local accounts.
    var passwdFile: String { self.path("/etc/passwd") }
    /// The order of name services.
    var nameServiceFile: String { self.path("/etc/nsswitch.conf") }
    /// What sshd asks of PAM.
    var pamFile: String { self.path("/etc/pam.d/sshd") }
    /// What xrdp's session manager asks of PAM.
    var xrdpPAMFile: String { self.path("/etc/pam.d/xrdp-sesman") }
    /// xrdp's own settings.
    var xrdpConfigurationFile: String { self.path("/etc/xrdp/xrdp.ini") }
    /// What administrators may do.
    var sudoersFile: String { self.path("/etc/sudoers.d/sallyport") }
    /// Where the modules are brought.
    var helperDirectory: String { self.path("/usr/lib/sallyport") }
    /// The distribution's name and version.
    var osReleaseFile: String { self.path("/etc/os-release") }
    /// The process file system.
    var processDirectory: String { self.path("/proc") }
    /// The unit that starts the agent.
    var unitFile: String { self.path("/etc/systemd/system/sally-agent.service") }
}

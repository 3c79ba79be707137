import AccessControl
import BastionRoutes
import Fabric
import Hosts
import Keys
import Resources
import Tunnel
import Vocabulary

extension House {
    /// What the gateway and its connection files need to know of machines, bastion hosts and this server.
    func desktopSurroundings() throws -> DesktopSurroundings {
        let resources = self.resources
        let hosts = self.hosts
        let house = self
        var surroundings = DesktopSurroundings(
            gateway: String(self.configuration.publicURL.dropFirst("https://".count))
        ) { target, bastion in
            guard let path = house.machine(at: target, port: 3389, through: bastion) else {
                return DesktopSurroundings.Machine(path: nil, hostName: target.name, isEnrolled: false)
            }
            let facts = hosts.desktopFacts(of: path)
            return DesktopSurroundings.Machine(
                path: path,
                hostName: facts?.hostName ?? house.writtenHostName(of: path),
                port: facts?.port,
                isEnrolled: facts != nil
            )
        }
        surroundings.domainRefusal = { bastion in
            if case .refused(let refusal) = resources.domainController(of: bastion) { refusal } else { nil }
        }
        surroundings.namesakes = { name, subject in
            hosts.machines(reporting: name).filter { house.isVisible($0, to: subject) }
        }
        surroundings.channels = { house.desktopChannels(through: $0) }
        surroundings.plan = { try await house.desktopPlan(session: $0, signIn: $1) }
        surroundings.consent = self.configuration.desktopConsent
        surroundings.message = self.configuration.desktopMessage
        surroundings.announcesWebAccounts = self.configuration.desktopWebAccount
        let signer = try self.fileSigner()
        surroundings.sign = { try signer.sign($0) }
        return surroundings
    }

    // Without a certificate for it, files are signed with the server's own: who trusts the server trusts them.
    private func fileSigner() throws -> FileSigner {
        let directory = self.configuration.dataDirectory + "/tls/"
        let files =
            self.configuration.signingFiles ?? self.configuration.tlsFiles
            ?? (certificate: directory + "server.pem", key: directory + "server.key")
        let key = Secret(try PrivateFiles.required(files.key))
        let certificates = try PrivateFiles.required(files.certificate)
        do throws(KeysError) {
            return try FileSigner(privatePEM: key, certificatesPEM: certificates)
        } catch {
            throw Problem(
                "InvalidSetting",
                shown: "\(files.certificate) and \(files.key) cannot sign connection files."
            )
        }
    }

    /// Opens connections to machines, also inside the networks that the fabric made.
    var dialler: Dialler {
        Dialler { [fabric = self.fabric] network, endpoint, deadline throws(Problem) in
            try await fabric.connect(to: endpoint.address, port: endpoint.port, in: network, deadline: deadline)
        }
    }

    /// How long tunnels may do what.
    var tunnelLimits: TunnelLimits {
        TunnelLimits(
            idle: self.configuration.tunnelIdleLimit,
            total: self.configuration.tunnelTotalLimit,
            drain: self.configuration.drain
        )
    }
}

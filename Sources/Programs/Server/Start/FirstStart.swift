import AccessControl
import Identity
import Resources
import Vocabulary

/// What happens once in the life of an installation that `serve` itself sets up: one administrator and one subscription.
struct FirstStart {
    let house: House
    let configuration: ServerConfiguration
    let certificateAuthority: String

    /// Makes them if the directory is empty, and says how to go on.
    func run() async throws {
        let people = try await self.house.directory.users(DirectoryQuery(limit: 1))
        if people.values.isEmpty {
            let password = RandomSource.system.token(bytes: 15)
            let name = "\(self.configuration.administrator)@\(self.house.directory.tenant.defaultDomain)"
            let user = try await self.house.directory.put(
                user: UserDraft(userPrincipalName: name, displayName: "Administrator"),
                password: Secret(Array(password.utf8))
            ).value
            _ = try await self.house.directory.setDirectoryRoles(of: user.id, to: [.globalAdministrator])
            let subscription = GUID(from: .system)
            if let path = ResourcePath("/subscriptions/\(subscription)"),
                let owner = self.house.accessControl.definition(named: "Owner")
            {
                _ = try await self.house.resources.putAll(
                    [
                        ResourceWish(
                            path,
                            ["properties": ["displayName": .string(self.house.directory.tenant.displayName)]]
                        )
                    ],
                    by: .system
                )
                try await self.house.accessControl.assign(
                    RoleAssignmentDraft(
                        name: GUID(from: .system),
                        scope: path,
                        roleDefinition: owner.name,
                        principal: user.id,
                        principalType: .user
                    ),
                    by: nil
                )
            }
            // On standard output, not in the log: it is shown this once and kept nowhere.
            print(
                """
                This is the first start. The administrator is
                  \(name)
                  \(password)
                Keep the password: it is not shown again.
                """
            )
        }
        if !self.certificateAuthority.isEmpty {
            print(
                """
                Clients trust this server by the CA file \(self.certificateAuthority). Sign in with
                  sally login --url \(self.configuration.publicURL) --ca \(self.certificateAuthority)
                """
            )
        }
    }
}

import Storage
import Vocabulary

extension Directory {
    /// Keeps people from locking everybody out: throws `Request_BadRequest` when they would do this to themselves, or to the last global
    /// administrator who can sign in. The operator, who is nobody in the directory, may do it and can undo it.
    static func checkSpared(
        _ id: GUID,
        by author: Author,
        _ what: String,
        in reader: any Reader
    ) throws {
        guard let actor = author.id else { return }
        let others = try reader.row(
            """
            SELECT COUNT(*) AS administrators FROM identity_role
            LEFT JOIN identity_user ON identity_user.id = identity_role.principal_id
            LEFT JOIN identity_service_principal ON identity_service_principal.id = identity_role.principal_id
            WHERE identity_role.role = \(DirectoryRole.globalAdministrator.rawValue)
                AND identity_role.principal_id <> \(id)
                AND COALESCE(identity_user.is_enabled, identity_service_principal.is_enabled, 0) = 1
            """
        )?.integer("administrators")
        let isAdministrator =
            try reader.row(
                """
                SELECT 1 FROM identity_role
                WHERE principal_id = \(id) AND role = \(DirectoryRole.globalAdministrator.rawValue)
                """
            ) != nil
        if isAdministrator, others == 0 {
            throw Problem.badRequest("The last administrator cannot be \(what): nobody could administer the directory.")
        }
        if actor == id {
            throw Problem.badRequest("Your own account cannot be \(what) by yourself: ask another administrator.")
        }
    }
}

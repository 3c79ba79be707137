import Audit
import Identity
import SQLiteStorage
import Storage
import Vocabulary

/// What a start finds in the data directory, and what it says when that is not as it was left.
extension House {
    /// Opens the store's file. A damaged one is left as it is: what can still be saved from it is the operator's to decide.
    static func openStore(_ path: String) throws -> SQLiteDatabase {
        do {
            return try SQLiteDatabase(path: path)
        } catch let error as StorageError where error.kind == .damaged {
            throw Problem(
                "StoreDamaged",
                shown: "The store \(path) is damaged (\(error.logged)). It was left as it is. "
                    + "Move it aside together with \(path)-wal and \(path)-shm, "
                    + "put a copy made by 'sallyport backup' in its place, and start again.",
                logged: error.logged
            )
        } catch let error as StorageError {
            throw Problem("StoreUnavailable", shown: "The store \(path) cannot be opened: \(error.logged).")
        }
    }

    /// Whose installation this is; the first start writes it down, and begins the audit.
    static func tenant(in database: SQLiteDatabase, new: Tenant?, audit: AuditLog) async throws -> Tenant {
        let record = TenantRecord(database: database)
        if let known = try await record.load() { return known }
        guard let new else {
            throw Problem(
                "NoTenant",
                shown:
                    "This installation serves no tenant yet. Name its domain: --tenant-domain contoso.example, or 'sallyport apply'."
            )
        }
        try await audit.begin()
        try await record.save(new)
        return new
    }
}

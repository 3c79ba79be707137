import Crypto
import Storage
import Vocabulary

/// Where the audit's chain ends, kept in the store under a seal (HMAC-SHA-256) whose key is not in the store.
struct AuditHead: Sendable {
    /// An entry of the chain; sequence 0 and no digest before the first.
    struct Place: Sendable, Hashable {
        let sequence: Int64
        let digest: String
    }

    /// The table.
    static let schema: [Statement] = [
        """
        CREATE TABLE audit_head (
            id INTEGER PRIMARY KEY NOT NULL,
            sequence BIGINT NOT NULL,
            digest TEXT NOT NULL,
            seal TEXT NOT NULL
        )
        """
    ]

    private let key: Secret<[UInt8]>

    init(key: Secret<[UInt8]>) {
        self.key = key
    }

    /// Seals the end of a chain that has no entry yet; does nothing where an end is on record.
    func begin(in transaction: any Transaction) throws {
        let start = Place(sequence: 0, digest: "")
        try transaction.run(
            """
            INSERT INTO audit_head (id, sequence, digest, seal)
            VALUES (1, \(start.sequence), \(start.digest), \(self.seal(start)))
            ON CONFLICT (id) DO NOTHING
            """
        )
    }

    /// Moves the end of the chain on.
    ///
    /// Only from the very place that is on record: after a cut the record stays, so that what is written later does not hide it.
    func move(from last: Place, to next: Place, in transaction: any Transaction) throws {
        guard try self.fault(at: last, in: transaction) == nil else { return }
        try transaction.run(
            """
            UPDATE audit_head
            SET sequence = \(next.sequence), digest = \(next.digest), seal = \(self.seal(next))
            WHERE id = 1
            """
        )
    }

    /// The first entry that is missing, or that nobody sealed, when the chain ends at `last`; nil when it ends where the record says.
    func fault(at last: Place, in reader: any Reader) throws -> Int64? {
        guard let row = try reader.row("SELECT sequence, digest, seal FROM audit_head WHERE id = 1") else {
            return last.sequence + 1
        }
        guard
            let sequence = try? row.integer("sequence"), let digest = try? row.text("digest"),
            let seal = (try? row.text("seal")).flatMap({ Hex.decode($0) }),
            self.isSealed(Place(sequence: sequence, digest: digest), by: seal)
        else { return last.sequence + 1 }
        if sequence == last.sequence { return digest == last.digest ? nil : sequence }
        return min(sequence, last.sequence) + 1
    }

    private func seal(_ place: Place) -> String {
        self.key.withValue { bytes in
            Hex.encode(HMAC<SHA256>.authenticationCode(for: Self.text(place), using: SymmetricKey(data: bytes)))
        }
    }

    private func isSealed(_ place: Place, by seal: [UInt8]) -> Bool {
        self.key.withValue { bytes in
            HMAC<SHA256>.isValidAuthenticationCode(
                seal,
                authenticating: Self.text(place),
                using: SymmetricKey(data: bytes)
            )
        }
    }

    private static func text(_ place: Place) -> [UInt8] {
        Array("audit head\n\(place.sequence)\n\(place.digest)".utf8)
    }
}

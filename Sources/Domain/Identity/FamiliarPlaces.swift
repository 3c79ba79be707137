import Storage
import Vocabulary

/// The networks from which somebody signed in rightly of late.
///
/// Wrong passwords from each of them are counted apart from those of strangers, so that nobody far away can lock people out of where they work.
/// Source: Microsoft Entra ID, "smart lockout", familiar and unfamiliar locations.
enum FamiliarPlaces {
    /// After this long without a right sign-in a place is strange again.
    static let memory = Duration.seconds(30 * 86_400)
    /// The latest so many are kept for each person.
    static let most = 50

    static let schema: [Statement] = [
        """
        CREATE TABLE identity_familiar (
            user_id TEXT NOT NULL,
            place TEXT NOT NULL,
            seen_at BIGINT NOT NULL,
            PRIMARY KEY (user_id, place)
        )
        """
    ]

    /// The place, if it is familiar; nil for a strange one.
    static func place(of source: String, for user: GUID, at now: Instant, in reader: any Reader) throws -> String? {
        guard !source.isEmpty else { return nil }
        let place = SourceBlock.of(source)
        let row = try reader.row(
            "SELECT seen_at FROM identity_familiar WHERE user_id = \(user) AND place = \(place)"
        )
        guard let row, now - (try row.instant("seen_at")) < Self.memory else { return nil }
        return place
    }

    /// Somebody signed in rightly from there.
    static func note(_ source: String, for user: GUID, at now: Instant, in transaction: any Transaction) throws {
        guard !source.isEmpty else { return }
        try transaction.run(
            """
            INSERT INTO identity_familiar (user_id, place, seen_at) VALUES (\(user), \(SourceBlock.of(source)), \(now))
            ON CONFLICT (user_id, place) DO UPDATE SET seen_at = excluded.seen_at
            """
        )
        try transaction.run(
            """
            DELETE FROM identity_familiar WHERE user_id = \(user) AND (seen_at <= \(now - Self.memory) OR place NOT IN (
                SELECT place FROM identity_familiar WHERE user_id = \(user) ORDER BY seen_at DESC, place LIMIT \(Self.most)
            ))
            """
        )
    }

    /// Forgets the places of somebody who is gone.
    static func forget(_ user: GUID, in transaction: any Transaction) throws {
        try transaction.run("DELETE FROM identity_familiar WHERE user_id = \(user)")
    }
}

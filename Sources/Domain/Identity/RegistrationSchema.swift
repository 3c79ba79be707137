import Storage

/// The tables of registered applications, their further names, and who owns what.
enum RegistrationSchema {
    static let statements: [Statement] = [
        """
        CREATE TABLE identity_registration (
            id TEXT PRIMARY KEY NOT NULL,
            app_id TEXT NOT NULL UNIQUE,
            display_name TEXT NOT NULL,
            display_key TEXT NOT NULL,
            uris TEXT NOT NULL,
            created_at BIGINT NOT NULL
        )
        """,
        "CREATE INDEX identity_registration_display ON identity_registration (display_key, id)",
        "CREATE TABLE identity_registration_uri (name_key TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL)",
        "CREATE INDEX identity_registration_uri_owner ON identity_registration_uri (owner)",
        """
        CREATE TABLE identity_owner (
            object_id TEXT NOT NULL,
            owner_id TEXT NOT NULL,
            PRIMARY KEY (object_id, owner_id)
        )
        """,
        "CREATE INDEX identity_owner_up ON identity_owner (owner_id, object_id)",
        "ALTER TABLE identity_group ADD COLUMN mail_nickname TEXT",
    ]
}

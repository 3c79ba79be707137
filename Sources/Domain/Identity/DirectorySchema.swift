public import Storage

extension Directory {
    /// The schema.
    ///
    /// `identity_object` keeps every object id and number that was ever given out, so that neither comes back as somebody else's.
    public static let migrations = [
        Migration(
            "identity-1",
            [
                "CREATE TABLE identity_setting (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)",
                "CREATE TABLE identity_counter (name TEXT PRIMARY KEY NOT NULL, next BIGINT NOT NULL)",
                "INSERT INTO identity_counter (name, next) VALUES ('unix', 2000300000)",
                "CREATE TABLE identity_change (sequence BIGINT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL)",
                """
                CREATE TABLE identity_object (
                    id TEXT PRIMARY KEY NOT NULL,
                    kind TEXT NOT NULL,
                    unix_id BIGINT NOT NULL UNIQUE,
                    is_deleted INTEGER NOT NULL
                )
                """,
                """
                CREATE TABLE identity_user (
                    id TEXT PRIMARY KEY NOT NULL,
                    name TEXT NOT NULL,
                    name_key TEXT NOT NULL UNIQUE,
                    display_name TEXT NOT NULL,
                    display_key TEXT NOT NULL,
                    given_name TEXT,
                    surname TEXT,
                    mail TEXT,
                    mail_key TEXT,
                    is_enabled INTEGER NOT NULL,
                    is_guest INTEGER NOT NULL,
                    must_change INTEGER NOT NULL,
                    password TEXT,
                    tokens_valid_from BIGINT NOT NULL,
                    unix_id BIGINT NOT NULL UNIQUE,
                    former_names TEXT NOT NULL,
                    created_at BIGINT NOT NULL
                )
                """,
                "CREATE INDEX identity_user_display ON identity_user (display_key, id)",
                "CREATE INDEX identity_user_mail ON identity_user (mail_key)",
                "CREATE TABLE identity_former_name (name_key TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL)",
                "CREATE INDEX identity_former_name_user ON identity_former_name (user_id)",
                """
                CREATE TABLE identity_group (
                    id TEXT PRIMARY KEY NOT NULL,
                    display_name TEXT NOT NULL,
                    display_key TEXT NOT NULL,
                    description TEXT,
                    unix_id BIGINT NOT NULL UNIQUE
                )
                """,
                "CREATE INDEX identity_group_display ON identity_group (display_key, id)",
                """
                CREATE TABLE identity_member (
                    group_id TEXT NOT NULL,
                    member_id TEXT NOT NULL,
                    PRIMARY KEY (group_id, member_id)
                )
                """,
                "CREATE INDEX identity_member_up ON identity_member (member_id, group_id)",
                """
                CREATE TABLE identity_service_principal (
                    id TEXT PRIMARY KEY NOT NULL,
                    app_id TEXT NOT NULL UNIQUE,
                    display_name TEXT NOT NULL,
                    display_key TEXT NOT NULL,
                    kind TEXT NOT NULL,
                    is_enabled INTEGER NOT NULL,
                    resource TEXT,
                    resource_key TEXT UNIQUE,
                    tokens_valid_from BIGINT NOT NULL,
                    unix_id BIGINT NOT NULL UNIQUE,
                    names TEXT NOT NULL,
                    created_at BIGINT NOT NULL
                )
                """,
                "CREATE INDEX identity_service_principal_display ON identity_service_principal (display_key, id)",
                "CREATE TABLE identity_service_principal_name (name_key TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL)",
                "CREATE INDEX identity_service_principal_name_owner ON identity_service_principal_name (owner)",
                """
                CREATE TABLE identity_credential (
                    id TEXT PRIMARY KEY NOT NULL,
                    owner TEXT NOT NULL,
                    kind TEXT NOT NULL,
                    display_name TEXT NOT NULL,
                    hash TEXT,
                    certificate BLOB,
                    created_at BIGINT NOT NULL,
                    expires_at BIGINT
                )
                """,
                "CREATE INDEX identity_credential_owner ON identity_credential (owner)",
                """
                CREATE TABLE identity_application (
                    app_id TEXT PRIMARY KEY NOT NULL,
                    display_name TEXT NOT NULL,
                    redirect_uris TEXT NOT NULL,
                    is_public INTEGER NOT NULL,
                    is_family INTEGER NOT NULL
                )
                """,
                """
                CREATE TABLE identity_role (
                    principal_id TEXT NOT NULL,
                    role TEXT NOT NULL,
                    PRIMARY KEY (principal_id, role)
                )
                """,
                """
                CREATE TABLE identity_lock (
                    account TEXT PRIMARY KEY NOT NULL,
                    failures INTEGER NOT NULL,
                    locks INTEGER NOT NULL,
                    failed_at BIGINT NOT NULL,
                    locked_until BIGINT NOT NULL
                )
                """,
                "CREATE INDEX identity_lock_age ON identity_lock (failed_at)",
            ]
        ),
        Migration("identity-2", FamiliarPlaces.schema),
        Migration("identity-3", RegistrationSchema.statements),
    ]
}

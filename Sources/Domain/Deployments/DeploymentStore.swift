public import Storage
import Vocabulary

extension Deployments {
    /// The schema.
    public static let migrations = [
        Migration(
            "deployments-1",
            [
                """
                CREATE TABLE deployment (
                    path TEXT PRIMARY KEY NOT NULL,
                    scope TEXT NOT NULL,
                    state TEXT NOT NULL,
                    started_at BIGINT NOT NULL,
                    record TEXT NOT NULL
                )
                """,
                "CREATE INDEX deployment_scope ON deployment (scope, started_at)",
                "CREATE INDEX deployment_state ON deployment (state)",
                """
                CREATE TABLE deployment_operation (
                    deployment TEXT NOT NULL,
                    name TEXT NOT NULL,
                    number BIGINT NOT NULL,
                    record TEXT NOT NULL,
                    PRIMARY KEY (deployment, name)
                )
                """,
            ]
        )
    ]

    /// How many deployments a scope keeps; the oldest give way. Source: Azure limits, "Deployments per resource group".
    static let mostKept = 800

    /// Keeps a deployment. A new run of it forgets the operations of the run before.
    func keep(_ deployment: Deployment, isNew: Bool = false) async throws {
        let scope = deployment.scope
        try await self.database.write { transaction in
            if isNew {
                try transaction.run("DELETE FROM deployment_operation WHERE deployment = \(deployment.path)")
            }
            try transaction.run(
                """
                INSERT INTO deployment (path, scope, state, started_at, record)
                VALUES (\(deployment.path), \(scope), \(deployment.state.rawValue), \(deployment.startedAt), \(deployment.record))
                ON CONFLICT (path) DO UPDATE SET state = excluded.state, started_at = excluded.started_at, record = excluded.record
                """
            )
            guard isNew else { return }
            let old = try transaction.rows(
                """
                SELECT path
                FROM deployment
                WHERE scope = \(scope) AND state IN ('Succeeded', 'Failed', 'Canceled')
                ORDER BY started_at DESC
                LIMIT 100 OFFSET \(Self.mostKept - 1)
                """
            )
            for row in old {
                let path = try row.text("path")
                try transaction.run("DELETE FROM deployment WHERE path = \(path)")
                try transaction.run("DELETE FROM deployment_operation WHERE deployment = \(path)")
            }
        }
    }

    /// Keeps what became of one resource of a deployment.
    func keep(_ operation: DeploymentOperation, of deployment: ResourcePath) async throws {
        try await self.database.write { transaction in
            try transaction.run(
                """
                INSERT INTO deployment_operation (deployment, name, number, record)
                VALUES (\(deployment), \(operation.name), \(operation.number), \(operation.record))
                ON CONFLICT (deployment, name) DO UPDATE SET record = excluded.record
                """
            )
        }
    }

    func stored(_ path: ResourcePath) async throws -> Deployment? {
        try await self.database.read { reader in
            try reader.row("SELECT record FROM deployment WHERE path = \(path)").map {
                try Deployment(record: try $0.json("record"))
            }
        }
    }

    func stored(in scope: ResourcePath) async throws -> [Deployment] {
        try await self.database.read { reader in
            try reader.rows(
                """
                SELECT record
                FROM deployment
                WHERE scope = \(scope)
                ORDER BY started_at DESC
                LIMIT 1000
                """
            ).map { try Deployment(record: try $0.json("record")) }
        }
    }

    func storedOperations(of path: ResourcePath) async throws -> [DeploymentOperation] {
        try await self.database.read { reader in
            try reader.rows(
                """
                SELECT name, number, record
                FROM deployment_operation
                WHERE deployment = \(path)
                ORDER BY number
                LIMIT 2000
                """
            ).map { row in
                DeploymentOperation(
                    name: try row.text("name"),
                    number: Int(try row.integer("number")),
                    record: try row.json("record")
                )
            }
        }
    }

    func forget(_ path: ResourcePath) async throws {
        try await self.database.write { transaction in
            try transaction.run("DELETE FROM deployment WHERE path = \(path)")
            try transaction.run("DELETE FROM deployment_operation WHERE deployment = \(path)")
        }
    }

    /// Says of deployments that a restart cut off that they failed. Call once, before requests come in. Throws `StorageError`.
    ///
    /// They are not taken up again: the values of secure parameters were never written down.
    public func load() async throws {
        let cutOff = try await self.database.read { reader in
            try reader.rows("SELECT record FROM deployment WHERE state IN ('Accepted', 'Running') LIMIT 10000").map {
                try Deployment(record: try $0.json("record"))
            }
        }
        for var deployment in cutOff {
            deployment.state = .failed
            deployment.changedAt = self.clock.now
            deployment.error =
                Problem.deploymentFailed(
                    deployment.path,
                    [
                        Problem(
                            "DeploymentInterrupted",
                            shown:
                                "The server was restarted while the deployment ran. Deploy again: what was made is kept and is not "
                                + "made twice."
                        )
                    ]
                ).document
            try await self.keep(deployment)
        }
    }
}

extension Deployment {
    /// The deployment as the store keeps it.
    var record: JSONValue {
        var record = self.document
        record["template"] = self.template
        record["run"] = .string(self.run.description)
        record["owner"] = self.owner.map { .string($0.description) }
        record["startedAt"] = .integer(self.startedAt.milliseconds)
        record["changedAt"] = .integer(self.changedAt.milliseconds)
        return record
    }

    /// Reads what the store kept. Throws `StorageError.unexpectedValue` for anything else.
    init(record: JSONValue) throws(StorageError) {
        let properties = record["properties"] ?? [:]
        guard
            let path = record["id"]?.string.flatMap({ ResourcePath($0) }),
            let run = record["run"]?.string.flatMap({ GUID($0) }),
            let startedAt = record["startedAt"]?.integer, let changedAt = record["changedAt"]?.integer,
            let mode = properties["mode"]?.string.flatMap({ Mode(rawValue: $0) }),
            let state = properties["provisioningState"]?.string.flatMap({ State(rawValue: $0) })
        else { throw StorageError(.unexpectedValue, "a record of a deployment") }
        self.init(
            path: path,
            run: run,
            owner: record["owner"]?.string.flatMap { GUID($0) },
            correlation: properties["correlationId"]?.string ?? "",
            startedAt: Instant(milliseconds: startedAt),
            location: record["location"]?.string,
            tags: record["tags"],
            mode: mode,
            state: state,
            changedAt: Instant(milliseconds: changedAt),
            template: record["template"] ?? .null,
            templateHash: properties["templateHash"]?.string ?? "",
            parameters: properties["parameters"] ?? [:],
            outputs: properties["outputs"],
            providers: properties["providers"] ?? [],
            dependencies: properties["dependencies"] ?? [],
            outputResources: (properties["outputResources"]?.array ?? []).compactMap {
                $0["id"]?.string.flatMap { ResourcePath($0) }
            },
            error: properties["error"]
        )
    }
}

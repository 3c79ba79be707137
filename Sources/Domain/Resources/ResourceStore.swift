import Audit
public import Storage
import Vocabulary

extension Resources {
    /// The schema.
    public static let migrations = [
        Migration(
            "resources-1",
            [
                """
                CREATE TABLE resource (
                    path TEXT PRIMARY KEY NOT NULL,
                    record TEXT NOT NULL,
                    changed_at BIGINT NOT NULL
                )
                """
            ]
        )
    ]

    /// Reads everything from the store; what was there before is replaced, and differences are published. Throws `StorageError`.
    ///
    /// May be called again, for what another process stored. What a restart interrupted is taken up again, here or by `resume()` when the
    /// hooks are set later.
    public func load() async throws {
        try await self.turns.enter()
        defer { self.turns.leave() }
        var fresh = Snapshot()
        var last = ""
        while true {
            let after = last
            let rows = try await self.database.read { reader in
                try reader.rows(
                    """
                    SELECT path, record
                    FROM resource
                    WHERE path > \(after)
                    ORDER BY path
                    LIMIT 2000
                    """
                )
            }
            for row in rows {
                last = try row.text("path")
                let resource = try Resource(record: try row.json("record"))
                guard let kind = self.catalogue.kind(at: resource.path) else {
                    throw StorageError(.unexpectedValue, "resource of unknown kind at \(resource.path)")
                }
                fresh.put(resource, of: kind)
            }
            if rows.count < 2000 { break }
        }
        let old = self.current
        let loaded = fresh
        self.update { $0 = loaded }
        for resource in loaded.list(type: nil, below: .root) where old[resource.path]?.etag != resource.etag {
            self.changes.publish(resource.path)
        }
        for resource in old.list(type: nil, below: .root) where loaded[resource.path] == nil {
            self.changes.publish(resource.path)
        }
        if self.isConnected { self.resume() }
    }

    /// Stores what a plan changes, together with its audit lines.
    func store(_ plan: Plan) async throws {
        let written = plan.written
        let removed = plan.removed.values.sorted { $0.path.key < $1.path.key }
        let events = plan.events.map { plan.author.event($0, at: plan.now) }
        try await self.database.write { transaction in
            for resource in removed {
                try transaction.run("DELETE FROM resource WHERE path = \(resource.path)")
            }
            for resource in written {
                try transaction.run(
                    """
                    INSERT INTO resource (path, record, changed_at)
                    VALUES (\(resource.path), \(resource.record), \(resource.changedAt))
                    ON CONFLICT (path) DO UPDATE SET record = excluded.record, changed_at = excluded.changed_at
                    """
                )
            }
            for event in events {
                try self.audit.record(event, in: transaction)
            }
        }
        self.update { snapshot in
            for resource in removed {
                guard let kind = self.catalogue.kind(at: resource.path) else { continue }
                snapshot.remove(resource.path, of: kind)
            }
            for resource in written {
                guard let kind = self.catalogue.kind(at: resource.path) else { continue }
                snapshot.put(resource, of: kind)
            }
        }
        for resource in removed + written {
            self.changes.publish(resource.path)
            // What a scale set says of its identity is true of its machines.
            guard self.catalogue.kind(at: resource.path)?.makesMachines == true else { continue }
            for machine in self.machines(of: resource.path) { self.changes.publish(machine.path) }
        }
    }
}

extension Resource {
    /// The resource as the store keeps it.
    var record: JSONValue {
        var record: JSONValue = [
            "path": .string(self.path.description), "type": .string(self.type),
            "tags": .object(self.tags.mapValues { .string($0) }), "properties": self.properties,
            "provisioningState": .string(self.provisioningState), "etag": .string(self.etag),
            "createdAt": .integer(self.createdAt.milliseconds), "changedAt": .integer(self.changedAt.milliseconds),
        ]
        record["location"] = self.location.map { .string($0) }
        record["sku"] = self.sku
        record["identity"] = self.identity
        record["zones"] = self.zones
        if self.showsTags { record["showsTags"] = true }
        record["managedBy"] = self.managedBy.map { .string($0) }
        record["making"] = self.making?.record
        record["failure"] = self.failure.map {
            ["code": .string($0.code), "reason": .string($0.reason), "remedy": .string($0.remedy)]
        }
        return record
    }

    /// Reads what the store kept. Throws `StorageError.unexpectedValue` for anything else.
    init(record: JSONValue) throws(StorageError) {
        guard
            let path = record["path"]?.string.flatMap({ ResourcePath($0) }), let type = record["type"]?.string,
            let properties = record["properties"], properties.object != nil, let etag = record["etag"]?.string,
            let state = record["provisioningState"]?.string, let createdAt = record["createdAt"]?.integer,
            let changedAt = record["changedAt"]?.integer
        else { throw StorageError(.unexpectedValue, "a record of a resource") }
        self.init(
            path: path,
            type: type,
            location: record["location"]?.string,
            tags: (record["tags"]?.object ?? [:]).compactMapValues(\.string),
            showsTags: record["showsTags"]?.bool == true,
            sku: record["sku"],
            identity: record["identity"],
            managedBy: record["managedBy"]?.string,
            zones: record["zones"],
            properties: properties,
            provisioningState: state,
            failure: record["failure"].map {
                Refusal(
                    $0["code"]?.string ?? "",
                    reason: $0["reason"]?.string ?? "",
                    remedy: $0["remedy"]?.string ?? ""
                )
            },
            making: record["making"].flatMap { Making(record: $0) },
            etag: etag,
            createdAt: Instant(milliseconds: createdAt),
            changedAt: Instant(milliseconds: changedAt)
        )
    }
}

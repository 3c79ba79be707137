import Vocabulary

/// A disk that a machine has besides the one of its system.
///
/// They are resources with a size, a place and a life of their own; the machines that are made here, which share the files of their host, find no
/// device for them. The instance view says so.
struct DataDisk: Sendable {
    /// Where it is plugged in.
    let place: Int64
    /// Its resource; nil as long as it was only asked for.
    let path: ResourcePath?
    /// Whether it goes when the machine goes.
    let goesAlong: Bool

    init?(_ element: JSONValue) {
        guard let place = element["lun"]?.integer else { return nil }
        self.place = place
        self.path = element["managedDisk"]?["id"]?.string.flatMap { ResourcePath($0) }
        self.goesAlong = element["deleteOption"]?.string == "Delete"
    }
}

extension Resource {
    /// The data disks of a machine, in the order of its body.
    var dataDisks: [DataDisk] {
        (self.properties["storageProfile"]?["dataDisks"]?.array ?? []).compactMap { DataDisk($0) }
    }
}

extension Member {
    /// What the body of a machine says of a data disk.
    static let dataDisk: [String: Member] = [
        "lun": Member(.number(0...63), .required),
        "name": Member(.text(80)),
        "createOption": Member(.word(["Empty", "Attach", "FromImage", "Copy", "Restore"]), .required),
        "caching": Member(.word(["None", "ReadOnly", "ReadWrite"]), initial: "None"),
        "diskSizeGB": Member(.number(1...32_767)),
        "deleteOption": Member(.word(["Delete", "Detach"]), initial: "Detach"),
        "toBeDetached": Member(.flag, initial: false),
        "managedDisk": Member(
            .object([
                "id": Member(.identifier(ReferenceRule(ResourceKind.diskType, action: nil))),
                "storageAccountType": Member(.word(ResourceKind.diskKinds)),
            ])
        ),
    ]
}

extension Plan {
    /// Makes the data disks that a machine's body asks for, and fills in what it says of those that are there.
    mutating func putDataDisks(of machine: inout Resource) throws(Problem) {
        guard let sent = machine.properties["storageProfile"]?["dataDisks"]?.array, !sent.isEmpty else { return }
        var disks: [JSONValue] = []
        var places: Set<Int64> = []
        for element in sent where element["toBeDetached"]?.bool != true {
            guard let place = element["lun"]?.integer, places.insert(place).inserted else {
                throw Problem(
                    "InvalidParameter",
                    shown:
                        "A data disk at LUN \(element["lun"]?.integer ?? 0) is there already: each needs a place of its own."
                )
            }
            disks.append(try self.settled(element, at: place, of: machine))
        }
        machine.properties["storageProfile"]?["dataDisks"] = .array(disks)
    }

    private mutating func settled(_ element: JSONValue, at place: Int64, of machine: Resource) throws(Problem)
        -> JSONValue
    {
        var element = element
        let path = try self.dataDisk(element, at: place, of: machine)
        guard let disk = self[path] else { throw .resourceNotFound(path) }
        let kind = element["managedDisk"]?["storageAccountType"]
        if let kind,
            disk.sku?["name"] != kind || element["diskSizeGB"].map({ disk.properties["diskSizeGB"] != $0 }) == true
        {
            var body = disk.document
            body["sku"] = ["name": kind]
            body["properties"]?["diskSizeGB"] = element["diskSizeGB"] ?? disk.properties["diskSizeGB"]
            _ = try self.put(path, body: body)
        }
        element["name"] = .string(path.name)
        element["diskSizeGB"] = self[path]?.properties["diskSizeGB"]
        element["managedDisk"] = [
            "id": .string(path.description), "storageAccountType": self[path]?.sku?["name"] ?? "Premium_LRS",
        ]
        return element
    }

    /// The disk that an element names, made if it is to be.
    private mutating func dataDisk(_ element: JSONValue, at place: Int64, of machine: Resource) throws(Problem)
        -> ResourcePath
    {
        if let path = element["managedDisk"]?["id"]?.string.flatMap({ ResourcePath($0) }) { return path }
        guard let group = machine.path.groupPath, element["createOption"]?.string == "Empty",
            let size = element["diskSizeGB"]
        else {
            throw Problem(
                "FeatureNotSupported",
                shown:
                    "Data disks are made empty, with their size, or are there already ('managedDisk.id'): there is nothing "
                    + "to copy them from here."
            )
        }
        let own = GUID(from: self.random).description.filter { $0 != "-" }
        let name = element["name"]?.string ?? "\(machine.name.prefix(40))_disk\(place + 2)_\(own)"
        let path = group.appending("providers", "Microsoft.Compute", "disks", name)
        guard self[path] == nil else {
            throw Problem("Conflict", shown: "The disk '\(name)' already exists in resource group '\(group.name)'.")
        }
        var body: JSONValue = [
            "location": .string(machine.location ?? ""),
            "sku": ["name": element["managedDisk"]?["storageAccountType"] ?? "Premium_LRS"],
            "properties": ["diskSizeGB": size, "creationData": ["createOption": "Empty"]],
        ]
        if let zones = machine.zones { body["zones"] = zones }
        return try self.put(path, body: body, isAuthorized: true).resource.path
    }
}

extension KindAction {
    /// Gives a machine disks that are there, and takes others away. Source: Azure virtual machines REST, "Attach Detach Data Disks".
    static let attachDetachDataDisks = KindAction { resources, machine, call throws(Problem) in
        var disks = machine.properties["storageProfile"]?["dataDisks"]?.array ?? []
        func id(_ element: JSONValue) throws(Problem) -> ResourcePath {
            guard let path = element.member("diskId")?.string.flatMap({ ResourcePath($0) }) else {
                throw .invalidContent("diskId", "must be the id of a disk")
            }
            return path
        }
        for element in call.body.member("dataDisksToDetach")?.array ?? [] {
            let gone = try id(element)
            guard disks.contains(where: { DataDisk($0)?.path == gone }) else {
                throw Problem("InvalidParameter", shown: "'\(gone.name)' is no data disk of '\(machine.name)'.")
            }
            disks.removeAll { DataDisk($0)?.path == gone }
        }
        for element in call.body.member("dataDisksToAttach")?.array ?? [] {
            let taken = Set(disks.compactMap { DataDisk($0)?.place })
            let place = element.member("lun")?.integer ?? (0...63).first { !taken.contains($0) } ?? 63
            var disk: JSONValue = [
                "lun": .integer(place), "createOption": "Attach",
                "managedDisk": ["id": .string(try id(element).description)],
            ]
            for name in ["caching", "deleteOption"] {
                if let value = element.member(name), !value.isNull { disk[name] = value }
            }
            disks.append(disk)
        }
        let change: JSONValue = ["properties": ["storageProfile": ["dataDisks": .array(disks)]]]
        let outcome = try await resources.patch(machine.path, body: change, by: call.author)
        return .done(outcome.resource.properties["storageProfile"])
    }
}

extension Resources {
    /// How the disks of a machine are, for its instance view.
    func diskViews(of machine: Resource) -> JSONValue {
        func view(_ path: ResourcePath, _ more: [JSONValue]) -> JSONValue {
            let status: JSONValue = [
                "code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded",
                "time": .string((self.resource(path) ?? machine).changedAt.description),
            ]
            return ["name": .string(path.name), "statuses": .array([status] + more)]
        }
        let recorded: JSONValue = [
            "code": "DiskState/recorded", "level": "Warning", "displayStatus": "Recorded only",
            "message": "Machines here share the files of their host: they find no device for a data disk.",
        ]
        let system = machine.diskPaths.map { view($0, []) }
        return .array(system + machine.dataDisks.compactMap(\.path).map { view($0, [recorded]) })
    }
}

public import Vocabulary

/// Makes the bodies that answer requests.
enum ResourceDocument {
    /// What a resource says, with what follows from others.
    static func make(_ resource: Resource, _ kind: ResourceKind, _ snapshot: Snapshot, _ settings: ResourceSettings)
        -> JSONValue
    {
        var document = resource.document
        for (name, member) in kind.properties {
            guard case .named = member.shape, let list = resource.properties[name]?.array else { continue }
            document["properties"]?[name] = .array(
                list.map { element in
                    var shown = element
                    let own = element["name"]?.string ?? ""
                    shown["id"] = .string("\(resource.path)/\(name)/\(own)")
                    shown["type"] = .string("\(kind.type)/\(name)")
                    shown["properties"]?["provisioningState"] = "Succeeded"
                    return shown
                }
            )
        }
        for (name, type) in kind.embedded {
            guard let child = KindCatalogue.standard[type: type] else { continue }
            let children = snapshot.list(type: type, below: resource.path)
            document["properties"]?[name] = .array(children.map { self.make($0, child, snapshot, settings) })
        }
        kind.show(&document, resource, snapshot, settings)
        return document
    }
}

extension Resources {
    /// The body that answers a GET. `$expand=instanceView` adds what the machine reports about itself.
    public func document(of resource: Resource, expandingInstanceView: Bool = false) -> JSONValue {
        let snapshot = self.current
        guard let kind = self.catalogue.kind(at: resource.path) else { return resource.document }
        var document = ResourceDocument.make(resource, kind, snapshot, self.settings)
        if expandingInstanceView, kind.type == ResourceKind.virtualMachine.type {
            document["properties"]?["instanceView"] = self.instanceView(of: resource)
        }
        return document
    }

    /// What a machine reports about itself: states, agent, extensions.
    public func instanceView(of machine: Resource) -> JSONValue {
        var view: JSONValue =
            self.hooks.instanceView(machine.path) ?? [
                "statuses": [
                    [
                        "code": "PowerState/unknown", "level": "Warning", "displayStatus": "VM has not joined yet",
                        "message": "Join the machine with sally-agent.",
                    ]
                ],
                "vmAgent": [
                    "vmAgentVersion": "Unknown",
                    "statuses": [
                        [
                            "code": "ProvisioningState/Unavailable", "level": "Warning", "displayStatus": "Not Ready",
                            "message": "The agent has never reported.",
                        ]
                    ],
                ],
            ]
        let reported = view["statuses"]?.array ?? []
        if !reported.contains(where: { $0["code"]?.string?.hasPrefix("ProvisioningState/") == true }) {
            let own: JSONValue = [
                "code": .string("ProvisioningState/\(machine.provisioningState.lowercased())"), "level": "Info",
                "displayStatus": .string("Provisioning \(machine.provisioningState.lowercased())"),
                "time": .string(machine.changedAt.description),
            ]
            view["statuses"] = .array([own] + reported)
        }
        if view["computerName"] == nil {
            view["computerName"] = machine.properties["osProfile"]?["computerName"] ?? .string(machine.name)
        }
        let extensions = self.list(type: ResourceKind.virtualMachineExtension.type, below: machine.path)
        view["extensions"] = .array(extensions.map(\.extensionView))
        return view
    }
}
